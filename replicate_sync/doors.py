"""What every door has: it closes, is a context manager, and shows where it leads."""

from __future__ import annotations

from typing import TypeVar

from .transport import Transport

_Door = TypeVar("_Door", bound="Door")


class Door:
    """A client: something that people call, on a transport of its own."""

    _transport: Transport

    def close(self) -> None:
        """Close this thread's connections; the client can still be used, and opens new ones."""
        self._transport.close()

    def __enter__(self: _Door) -> _Door:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._transport.shown}>"
