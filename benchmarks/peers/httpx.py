"""The same in ten minutes more: one httpx.Client, and httpx-sse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

import httpx
from httpx_sse import connect_sse

from .. import tape

IMPORT = "import httpx, httpx_sse"
PROGRAM = """
client = httpx.Client(headers={"Authorization": "Bearer " + token})
body = {"version": ref.partition(":")[2], "input": plan}
prediction = client.post(url + "/v1/predictions", json=body).json()
with httpx_sse.connect_sse(client, "GET", prediction["urls"]["stream"]) as source:
    for event in source.iter_sse():
        if event.event == "output":
            done()
            break
"""


class Peer:
    """One client, with its pool of connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(headers={"Authorization": f"Bearer {tape.TOKEN}"}, timeout=65)

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        prediction = self._create(plan, {"Prefer": "wait"})
        while prediction["status"] not in ("succeeded", "failed"):
            sleep(0.5)
            prediction = self._client.get(prediction["urls"]["get"]).json()
        return prediction["output"]

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        prediction = self._create(plan, {})
        with connect_sse(self._client, "GET", prediction["urls"]["stream"]) as source:
            for event in source.iter_sse():
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
        content: bytes = self._client.get(url).content
        return content

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield the pieces of a file."""
        with self._client.stream("GET", url) as response:
            yield from response.iter_bytes()

    def _create(self, plan: dict[str, Any], headers: dict[str, str]) -> Any:
        body = {"version": tape.VERSION, "input": plan}
        return self._client.post(f"{self.url}/v1/predictions", json=body, headers=headers).json()
