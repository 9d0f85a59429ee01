"""This package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from replicate_sync import FileOutput, Replicate

from .. import tape

IMPORT = "from replicate_sync import Replicate"
PROGRAM = """
client = Replicate(token, base_url=url)
for text in client.stream(ref, plan):
    done()
    break
"""


class Peer:
    """One client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = Replicate(tape.TOKEN, base_url=url)

    def run(self, plan: dict[str, Any]) -> Any:
        """Return the output of a prediction."""
        return self._client.run(tape.REF, plan)

    def stream(self, plan: dict[str, Any]) -> Iterator[str]:
        """Return an iterator over the text of a prediction, token by token."""
        return self._client.stream(tape.REF, plan)

    def many(self, plans: Iterable[dict[str, Any]], width: int) -> Iterator[Any]:
        """Return an iterator over the output of many predictions, so many at a time."""
        # Otherwise results are kept for an error, which no other peer does.
        return self._client.map(tape.REF, plans, concurrency=width, on_error="return")

    def read(self, output: FileOutput) -> bytes:
        """Return a file."""
        return output.read()

    def pieces(self, output: FileOutput) -> Iterator[bytes]:
        """Return an iterator over the pieces of a file."""
        return output.iter_bytes()
