"""The official client, replicate 1.0.7."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from replicate.client import Client
from replicate.helpers import FileOutput

from .. import tape

IMPORT = "import replicate"
PROGRAM = """
client = replicate.Client(api_token=token, base_url=url)
for event in client.stream(ref, input=plan):
    if str(event):
        done()
        break
"""


class Peer:
    """One client, with its pool of connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = Client(api_token=tape.TOKEN, base_url=url)

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        return self._client.run(tape.REF, input=plan)

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Yield the text of a prediction, token by token."""
        for event in self._client.stream(tape.REF, input=plan):
            if text := str(event):
                yield text

    def many(self, plans: Iterable[dict[str, Any]], width: int) -> Iterator[Any]:
        """Yield the output of many predictions, so many at a time."""
        with ThreadPoolExecutor(width) as pool:
            yield from pool.map(self.run, plans)

    def read(self, url: str) -> bytes:
        """Return a file; made here, as the client makes files of https URLs only."""
        content: bytes = FileOutput(url, self._client).read()
        return content

    def pieces(self, url: str) -> Iterator[bytes]:
        """Return an iterator over the pieces of a file."""
        return iter(FileOutput(url, self._client))
