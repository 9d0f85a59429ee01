"""The official client to come, replicate 2.0.0b4: it knows no event streams, and polls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from replicate import Replicate
from replicate.lib._files import FileOutput

from .. import tape

IMPORT = "import replicate"
PROGRAM = None


class Peer:
    """One client, with its pool of connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client: Any = Replicate(bearer_token=tape.TOKEN, base_url=f"{url}/v1")

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        return self._client.run(tape.REF, input=plan)

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
