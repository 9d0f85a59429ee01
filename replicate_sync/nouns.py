"""What every noun of the API has: its place on a client, names that stand in paths, and lists that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar, overload

from . import refs
from .answers import unexpected
from .errors import InvalidInputError, ModelNotFoundError, ResponseError, quoted
from .settings import origin
from .transport import Transport

_Item = TypeVar("_Item")
_Kind = TypeVar("_Kind")


def pages(
    transport: Transport,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    content: tuple[bytes, str] | None = None,
    parting: float | None = None,
) -> Iterator[Any]:
    """Yield the items of a list, page after page. A next page is followed only on the API's own origin, and only once."""
    home, seen = origin(transport.base_url), set()
    following: Any = path
    while following and following not in seen:
        seen.add(following)
        page = transport.request(method, following, params=params, content=content, parting=parting)
        if not isinstance(page, dict) or not isinstance(page.get("results"), list):
            shown = transport.hide(str(page)).encode()
            raise unexpected(200, {}, shown, doing=f"{method} {path}", wanted="a page of a list")
        yield from page["results"]
        following, params, method, content = page.get("next"), None, "GET", None
        if following is not None and origin(following) != home:
            shown_next = quoted(transport.hide(str(following)))
            raise ResponseError(f"The API's next page is on another host, which must not get the token: {shown_next}")


def limited(limit: int | None) -> int | None:
    """Give the number of items after which a list ends, or raise InvalidInputError where it is none."""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise InvalidInputError(f"limit must be a number of items, 0 or more, or None, not {limit!r}.")
    return limit


class Resource:
    """A noun of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _listed(
        self, path: str, read: Callable[[Any], _Item], limit: int | None, params: Mapping[str, Any] | None = None
    ) -> Iterator[_Item]:
        given = {name: str(value) for name, value in (params or {}).items() if value is not None}
        return map(read, islice(pages(self._transport, path, given), limited(limit)))


class Noun(Generic[_Kind]):
    """A noun's place on a client, under its operation id; it is made when a client is first asked for it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, client: None, kind: type) -> Any: ...

    @overload
    def __get__(self, client: object, kind: type) -> _Kind: ...

    def __get__(self, client: Any, kind: type) -> Any:
        return self if client is None else getattr(client._nouns, self._name)


class NamesOrNoun(Noun[_Kind]):
    """A noun on a client; on its class the names that are known, as gpt4free's providers have it."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    @overload
    def __get__(self, client: None, kind: type) -> list[str]: ...

    @overload
    def __get__(self, client: object, kind: type) -> _Kind: ...

    def __get__(self, client: Any, kind: type) -> Any:
        return self._names if client is None else super().__get__(client, kind)


def named(name: str) -> str:
    """Give "owner/name" as it stands in a path."""
    ref = refs.parse(name)
    if ref.model is None or ref.version is not None:
        raise ModelNotFoundError(f"{name!r} is not of the form 'owner/name'.")
    return ref.model


def versioned(name: str) -> refs.Ref:
    """Read "owner/name:version"."""
    ref = refs.parse(name)
    if ref.model is None or ref.version is None:
        raise ModelNotFoundError(f"{name!r} is not of the form 'owner/name:version'.")
    return ref
