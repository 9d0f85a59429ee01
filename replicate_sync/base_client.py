"""What both clients have: they close, are context managers, and show where they lead.

So do their generators: their reprs say what they are.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from types import GeneratorType

    from .http.transport import Transport

_Self = TypeVar("_Self", bound="BaseClient")
_Generator = TypeVar("_Generator", bound=Generator[Any, Any, Any])


class BaseClient:
    """A client on a transport of its own.

    Examples:
        >>> with Replicate() as client:
        ...     client.run("replicate/hello-world", {"text": "Alice"})
        'hello Alice'
    """

    _transport: Transport

    @property
    def base_url(self) -> str:
        """The base URL of the API, as of now.

        Raises:
            InvalidInputError: The environment's base URL is not a URL.

        Examples:
            >>> client.base_url
            'http://127.0.0.1:.../v1'
        """
        return self._transport.base_url

    def close(self) -> None:
        """Close the connections of this thread. The client opens new ones when it is used again.

        Examples:
            >>> client = Replicate()
            >>> client.close()
        """
        self._transport.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        transport = vars(self).get("_transport")
        if transport is None:  # in the traceback of an error of its constructor
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} at {transport.displayed_url}>"


def describe_generator(generator: _Generator, what: str) -> _Generator:
    """Return the generator itself, with words in its repr: `<generator object {what} at 0x…>`.

    Args:
        generator: A generator that was made by a function or an expression.
        what: What it yields, for a person who has not iterated over it.
    """
    cast("GeneratorType[Any, Any, Any]", generator).__qualname__ = what
    return generator
