"""What one writes in ten minutes: requests and sseclient-py, without a session."""

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
made = requests.post(url + "/v1/predictions", json=body, headers=headers).json()
response = requests.get(made["urls"]["stream"], stream=True)
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
        """Give the output of a prediction."""
        made = self._create(plan, {**_HEADERS, "Prefer": "wait"})
        while made["status"] not in ("succeeded", "failed"):
            sleep(0.5)
            made = requests.get(made["urls"]["get"], headers=_HEADERS).json()
        return made["output"]

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        made = self._create(plan, _HEADERS)
        response: Any  # which sseclient takes, and says it does not
        with requests.get(made["urls"]["stream"], headers={"Accept": "text/event-stream"}, stream=True) as response:
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
        """Give a file."""
        content: bytes = requests.get(url).content
        return content

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the pieces of a file."""
        with requests.get(url, stream=True) as response:
            yield from response.iter_content(65536)

    def _create(self, plan: dict[str, Any], headers: dict[str, str]) -> Any:
        body = {"version": tape.VERSION, "input": plan}
        return requests.post(f"{self.url}/v1/predictions", json=body, headers=headers).json()
