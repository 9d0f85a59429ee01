"""A list of the API as a program has it: an iterator that fetches page after page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar, overload

from ..http.pagination import RawPage, validate_limit

_Item = TypeVar("_Item")
_MAX_SHOWN = 10  # items in a repr


class Page(Sequence[_Item]):
    """One page of a list, and the links to those beside it.

    Args:
        items: What is on it.
        next: The URL of the page behind it, or "".
        previous: The URL of the page before it, or "".

    Examples:
        >>> page = client.models.list().first_page()
        >>> len(page) > 1
        True
    """

    def __init__(self, items: Sequence[_Item], next: str = "", previous: str = "") -> None:
        self._items = items
        #: The URL of the page behind it, or "".
        self.next = next
        #: The URL of the page before it, or "".
        self.previous = previous

    @overload
    def __getitem__(self, index: int) -> _Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...

    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._items)!r})"


class Pages(Iterator[_Item], Generic[_Item]):
    """The items of a list, page after page; a page is fetched when its first item is asked for.

    Its length is known where all is on one page. In a notebook it displays its first page.

    Args:
        fetch_first: Returns the first page.
        follow: Returns the page that a link leads to.
        build: Makes an item of its JSON.
        limit: After how many items it ends; None for no end.
        name: What a repr calls it.

    Raises:
        InvalidInputError: The limit is not a number of items.

    Examples:
        >>> models = client.models.list()
        >>> str(next(models))
        '...'
    """

    def __init__(
        self,
        fetch_first: Callable[[], RawPage],
        follow: Callable[[str], RawPage],
        build: Callable[[object], _Item],
        limit: int | None,
        name: str,
    ) -> None:
        self._fetch_first = fetch_first
        self._follow = follow
        self._build = build
        self._limit = validate_limit(limit)
        self._name = name.strip("/")
        self._first: RawPage | None = None
        self._items = islice(self._iterate(), limit)

    def first_page(self) -> Page[_Item]:
        """Return the first page. It is fetched once.

        Raises:
            ResponseError: The response is not a page of a list.
            ConnectionFailed: There was no response.

        Examples:
            >>> page = client.hardware.list().first_page()
            >>> page[0].sku
            'cpu'
        """
        page = self._fetched
        return Page([self._build(item) for item in page.items], page.next, page.previous)

    @property
    def _fetched(self) -> RawPage:
        if self._first is None:
            self._first = self._fetch_first()
        return self._first

    def _iterate(self) -> Iterator[_Item]:
        page = self._fetched
        followed: set[str] = set()
        while True:
            yield from map(self._build, page.items)  # one by one, as the next may be no item
            if not page.next or page.next in followed:
                return
            followed.add(page.next)
            page = self._follow(page.next)

    def __next__(self) -> _Item:
        return next(self._items)

    def __len__(self) -> int:
        if self._limit == 0:
            return 0
        page = self._fetched
        count = len(page.items)
        if self._limit is not None and self._limit <= count:
            return self._limit
        if page.next:
            raise TypeError(
                f"The API does not say how long this list is: its first page has {count} items, "
                "and there are more. len(list(...)) fetches and counts them all."
            )
        return count

    def __bool__(self) -> bool:
        return True  # as any iterator, and without a request

    def __repr__(self) -> str:
        if self._first is None:
            return f"<{self._name}: not fetched yet; iterate over it, or call first_page()>"
        shown = [repr(self._build(item)) for item in self._first.items[:_MAX_SHOWN]]
        if self._first.next or len(self._first.items) > _MAX_SHOWN:
            shown.append("…")
        return f"<{self._name}: [{', '.join(shown)}]>"

    def _repr_html_(self) -> str:
        from html import escape  # late, as only a notebook needs it

        page = self.first_page()
        lines = [f"<li>{escape(str(item))}</li>" for item in page[: self._limit]]
        more = "<p>There are more: iterate over it.</p>" if page.next else ""
        return f"<ol>{''.join(lines)}</ol>{more}"
