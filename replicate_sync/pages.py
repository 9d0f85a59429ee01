"""Lists come in pages; here they are one, as long as somebody asks for more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .answers import unexpected
from .errors import InvalidInputError, ResponseError, quoted
from .settings import origin
from .transport import Transport


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


def checked(limit: int | None) -> int | None:
    """Give the number of items after which a list ends, or raise InvalidInputError where it is none."""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise InvalidInputError(f"limit must be a number of items, 0 or more, or None, not {limit!r}.")
    return limit
