"""Lists of the API, which come in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from ..exceptions import InvalidInputError, UnexpectedDataError, excerpt
from .transport import Content, Transport


class _Page(NamedTuple):
    items: list[Any]
    #: The URL of the page behind it, or "".
    next: str

    @classmethod
    def parse(cls, data: object) -> _Page:
        if isinstance(data, dict):
            items = data.get("results")
        else:
            items = None
        if not isinstance(data, dict) or not isinstance(items, list):
            raise UnexpectedDataError("a page of a list", excerpt(str(data)))
        link = data.get("next")
        return cls(items, link if isinstance(link, str) else "")


def iterate_pages(
    transport: Transport,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    content: Content | None = None,
    single_attempt: float | None = None,
) -> Iterator[Any]:
    """Yield the items of a list, page after page.

    A `next` link is followed on the client's own base URL, by its query: behind a gateway it names
    the API's own host, which must not get the gateway's token. Each link is followed once.

    Args:
        transport: Sends the requests.
        path: The path of the first page.
        params: The query of the first page.
        method: The method of the request for the first page; GET for any other.
        content: Its body.
        single_attempt: The seconds of the one attempt for each page; see `Transport.request`.

    Raises:
        ResponseError: A response is not a page of a list.
        ConnectionFailed: There was no response.
    """
    followed: set[str] = set()
    while True:
        page = transport.request(
            method,
            path,
            params=params,
            content=content,
            single_attempt=single_attempt,
            build=_Page.parse,
        )
        yield from page.items
        if not page.next or page.next in followed:
            return
        followed.add(page.next)
        query = page.next.partition("?")[2].partition("#")[0]
        params = dict(parse_qsl(query, keep_blank_values=True))
        method = "GET"
        content = None


def validate_limit(limit: int | None) -> int | None:
    """Return the number of items after which a list ends.

    Raises:
        InvalidInputError: It is not a number of items.
    """
    is_valid = limit is None or (isinstance(limit, int) and not isinstance(limit, bool))
    if not is_valid or (limit is not None and limit < 0):
        raise InvalidInputError(
            f"limit must be a number of items, 0 or more, or None, not {limit!r}."
        )
    return limit
