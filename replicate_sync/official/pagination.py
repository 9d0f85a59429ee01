"""Pages of lists, as the official client has them: one request for each page.

A `next` or `previous` link is followed on the client's own base URL, by its query, so that the
token goes to no other host than the API's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..http.pagination import PageParser, RawPage
from .resource import Resource

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")

Cursor = str | EllipsisType | None
"""`...` for the first page, or what `next` or `previous` of a page is."""


class Page(Resource, Generic[T]):
    """One page of a list."""

    previous: str | None
    next: str | None
    results: list[T]

    def __iter__(self) -> Iterator[T]:
        return iter(self.results)

    def __getitem__(self, index: int) -> T:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)


def fetch_page(
    client: Client, path: str, cursor: Cursor, build: Callable[[dict[str, Any]], T]
) -> Page[T]:
    """Return a page of a list.

    Args:
        client: Sends the request.
        path: The path of the list.
        cursor: Which page.
        build: Makes an object of its JSON.

    Raises:
        ValueError: The cursor is None.
        ReplicateError: The API refused.
    """
    if cursor is None:
        raise ValueError("cursor cannot be None")
    if cursor is ...:
        return as_page(client.request("GET", path, build=PageParser().parse), build)
    return as_page(client.follow_link(path, str(cursor)), build)


def as_page(page: RawPage, build: Callable[[dict[str, Any]], T]) -> Page[T]:
    """Return a page as the official client has it."""
    results = [build(item) for item in page.items]
    return Page(previous=page.previous or None, next=page.next or None, results=results)


def paginate(list_method: Callable[[Cursor], Page[T]]) -> Generator[Page[T], None, None]:
    """Yield the pages of a list, one after the other.

    Args:
        list_method: Returns one page, such as `replicate.models.list`.

    Yields:
        Pages.

    Raises:
        ReplicateError: As `list_method` raises.

    Examples:
        >>> import replicate_sync.official as replicate
        >>> pages = replicate.paginate(replicate.models.list)
        >>> len(next(pages).results) > 0
        True
    """
    cursor: Cursor = ...
    while cursor is not None:
        page = list_method(cursor)
        yield page
        cursor = page.next
