"""What is written in ten minutes: requests and sseclient-py, without a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import requests
import sseclient

from .. import tape

IMPORT = "import requests, sseclient"
PROGRAM = """
headers = {"Authorization": "Bearer " + token}
body = {"version": ref.partition(":")[2], "input": plan}
prediction = requests.post(url + "/v1/predictions", json=body, headers=headers).json()
response = requests.get(prediction["urls"]["stream"], stream=True)
for event in sseclient.SSEClient(response).events():
    if event.event == "output":
        done()
        break
"""

_HEADERS = {"Authorization": f"Bearer {tape.TOKEN}"}


class Peer:
    """A connection for each request, as `requests.get` has it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        prediction = self._create(plan, {**_HEADERS, "Prefer": "wait"})
        while prediction["status"] not in ("succeeded", "failed"):
            sleep(0.5)
            prediction = requests.get(prediction["urls"]["get"], headers=_HEADERS).json()
        return prediction["output"]

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        prediction = self._create(plan, _HEADERS)
        response: Any  # sseclient takes it, though not by its types
        url = prediction["urls"]["stream"]
        headers = {"Accept": "text/event-stream"}
        with requests.get(url, headers=headers, stream=True) as response:
            for event in sseclient.SSEClient(response).events():
                if event.event == "output":
                    yield event.data
                elif event.event == "done":
                    return

    def many(self, plans: Iterable[dict[str, Any]], width: int) -> Iterator[Any]:
        """Yield the output of many predictions, so many at a time."""
        with ThreadPoolExecutor(width) as pool:
            yield from pool.map(self.run, plans)

    def read(self, url: str) -> bytes:
        """Return a file."""
        content: bytes = requests.get(url).content
        return content

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the pieces of a file."""
        with requests.get(url, stream=True) as response:
            yield from response.iter_content(65536)

    def _create(self, plan: dict[str, Any], headers: dict[str, str]) -> Any:
        body = {"version": tape.VERSION, "input": plan}
        return requests.post(f"{self.url}/v1/predictions", json=body, headers=headers).json()
