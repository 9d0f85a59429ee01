"""Lists of the API, which come in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..exceptions import ConnectionFailed, InvalidInputError, UnexpectedDataError, excerpt

if TYPE_CHECKING:
    from .request import Content
    from .transport import Transport

# Pages in a row that bring nothing new, after which a list is taken for one without an end.
_MAX_IDLE_PAGES = 100


class RawPage:
    """One page of a list, as the API sent it.

    Args:
        items: What is on it.
        next: The URL of the page behind it, or "".
        previous: The URL of the page before it, or "".
    """

    def __init__(self, items: list[Any], next: str, previous: str) -> None:
        self.items = items
        self.next = next
        self.previous = previous


class PageParser:
    """Parses the pages of one list, and recognizes a list that does not end."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._idle_count = 0

    def parse(self, data: object) -> RawPage:
        """Return a page.

        Raises:
            UnexpectedDataError: It is no page, or the last of many that brought nothing new.
        """
        if isinstance(data, dict):
            items = data.get("results")
        else:
            items = None
        if not isinstance(data, dict) or not isinstance(items, list):
            raise UnexpectedDataError("a page of a list", excerpt(str(data)))
        link = _link(data.get("next"))
        if self._is_new(items):
            self._idle_count = 0
        else:
            self._idle_count += 1
        if link and self._idle_count >= _MAX_IDLE_PAGES:
            raise UnexpectedDataError(
                f"a page of a list that ends, as {_MAX_IDLE_PAGES} pages brought nothing new",
                excerpt(str(data)),
            )
        return RawPage(items, link, _link(data.get("previous")))

    def _is_new(self, items: list[Any]) -> bool:
        if not items:
            return False
        mark = hash((len(items), repr(items[0]), repr(items[-1])))
        if mark in self._seen:
            return False
        self._seen.add(mark)
        return True


def follow_link(transport: Transport, path: str, link: str, pages: PageParser) -> RawPage:
    """Return the page that a `next` or `previous` link leads to.

    The link is followed on the client's own base URL, by its query: behind a gateway it names the
    API's own host, which must not get the gateway's token.

    Args:
        transport: Sends the request.
        path: The path of the list.
        link: The link.
        pages: Parses the page.

    Raises:
        ResponseError: The response is not a page of a list.
        ConnectionFailed: There was no response.
    """
    return transport.request("GET", path, params=_query_of(link), build=pages.parse)


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

    A `next` link is followed as by `follow_link`. Each link is followed once, and
    pages that are empty or repeated have an end.

    Args:
        transport: Sends the requests.
        path: The path of the first page.
        params: The query of the first page.
        method: The method of the request for the first page; GET for any other.
        content: Its body.
        single_attempt: The seconds that all pages may take together, with one attempt for each; see
            `Transport.request`.

    Raises:
        ResponseError: A response is not a page of a list, or the list does not end.
        ConnectionFailed: There was no response.
    """
    followed: set[str] = set()
    pages = PageParser()
    end = monotonic() + (single_attempt or 0.0)
    while True:
        if single_attempt is not None:
            single_attempt = end - monotonic()
            if single_attempt <= 0:
                raise ConnectionFailed(
                    f"GET {path}: the list could not be read to its end in time."
                )
        page = transport.request(
            method,
            path,
            params=params,
            content=content,
            single_attempt=single_attempt,
            build=pages.parse,
        )
        yield from page.items
        if not page.next or page.next in followed:
            return
        followed.add(page.next)
        params = _query_of(page.next)
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


def _link(value: object) -> str:
    if isinstance(value, str):
        return value
    return ""


def _query_of(link: str) -> dict[str, str]:
    query = link.partition("?")[2].partition("#")[0]
    return dict(parse_qsl(query, keep_blank_values=True))
