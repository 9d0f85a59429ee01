"""The files in a list stand side by side, and a long list costs no more than its beginning."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fake_shell import FakeShell

from replicate_sync import FileOutput
from replicate_sync.display import gallery, html
from replicate_sync.display.gallery import MAX_DEPTH, MAX_ITEMS, side_by_side
from replicate_sync.display.notebook import register_html
from replicate_sync.exceptions import ReplicateError


class File:
    """A file that can be displayed in a notebook."""

    mime_type = "image/png"

    def __init__(self, name: str = "a", size: int = 0) -> None:
        self.name = name
        self.size = size
        self.max_sizes: list[int] = []

    def to_html(self, max_size: int) -> tuple[str, int]:
        self.max_sizes.append(max_size)
        return f"<img alt={self.name}>", min(self.size, max_size)


class NoDownloader:
    """A downloader of a file that has its content in its URL."""

    def fetch(self, url: str) -> bytes:
        raise AssertionError(url)

    def download(self, url: str, **options: object) -> Iterator[bytes]:
        raise AssertionError(url)


class DataFrame:
    """What another library's class looks like that has a method of the same name."""

    def to_html(self, buf: object = None) -> str:
        raise TypeError("not a buffer")


class Proxy:
    """An object with whatever attribute it is asked for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


class CountingList(list[Any]):
    """A list that counts the items that are taken of it."""

    taken_count = 0

    def __iter__(self) -> Iterator[Any]:
        for value in super().__iter__():
            self.taken_count += 1
            yield value


def nested(value: Any, depth: int) -> list[Any]:
    """Return a value in that many lists."""
    for _ in range(depth):
        value = [value]
    return value


def test_files_errors_and_none_stand_side_by_side() -> None:
    shown = side_by_side([File("a"), None, (File("b"), [ReplicateError("no <paint>")])])
    assert shown is not None
    cells = shown.split('<div style="flex')[1:]
    contents = [cell.partition(">")[2].split("</div>")[0] for cell in cells]
    assert contents == [
        "<img alt=a>",
        "<em>None</em>",
        "<img alt=b>",
        "<em>no &lt;paint&gt;</em>",
    ]


def test_what_models_return_is_a_file() -> None:
    file = FileOutput("data:image/png;base64,AAAA", NoDownloader())
    assert side_by_side([file]) == html.media("image/png", "output.png", file.url)


def test_a_single_file_takes_the_whole_row() -> None:
    assert side_by_side((File(),)) == "<img alt=a>"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [[]],
        [1, [2], "x"],
        [None],
        [ReplicateError("no")],
        [File(), "text"],
        [File(), [File(), 1]],
        [File(), ValueError("no")],
        ["https://replicate.delivery/a.png"],
        [DataFrame()],
        [Proxy()],
        [File],
    ],
)
def test_any_other_list_is_left_as_it_is(values: list[Any]) -> None:
    assert side_by_side(values) is None


@pytest.mark.slow
def test_the_first_item_that_is_no_file_ends_the_search() -> None:
    values = CountingList(range(5_000_000))
    assert side_by_side(values) is None
    assert values.taken_count == 1


@pytest.mark.slow
@pytest.mark.parametrize("item", [None, ReplicateError("no"), []])
def test_of_a_long_list_a_bounded_number_of_items_is_looked_at(item: Any) -> None:
    values = CountingList([item] * 5_000_000)
    assert side_by_side(values) is None
    assert values.taken_count <= MAX_ITEMS + 1


def test_of_many_lists_in_a_list_a_bounded_number_of_items_is_looked_at() -> None:
    inner = [CountingList([None] * 100) for _ in range(100)]
    outer = CountingList(inner)
    assert side_by_side(outer) is None
    assert outer.taken_count + sum(values.taken_count for values in inner) <= MAX_ITEMS + 100


def test_a_long_list_of_files_shows_the_first_ones_and_says_how_many_more() -> None:
    files = [File() for _ in range(5000)]
    shown = side_by_side(files)
    assert shown is not None
    assert shown.count("<img") == MAX_ITEMS
    assert shown.endswith("<em>… and 4,000 more</em></div></div>")
    assert [len(file.max_sizes) for file in files] == [1] * MAX_ITEMS + [0] * 4000


def test_a_list_of_as_many_files_as_are_shown_needs_no_note() -> None:
    shown = side_by_side([File() for _ in range(MAX_ITEMS)])
    assert shown is not None
    assert shown.count("<img") == MAX_ITEMS
    assert "more" not in shown


def test_what_is_left_out_is_counted_in_every_open_list() -> None:
    first = [File() for _ in range(600)]
    second = [File() for _ in range(600)]
    shown = side_by_side([first, [second], None, None])
    assert shown is not None
    assert shown.count("<img") == MAX_ITEMS - 3  # the three lists were looked at as well
    assert "<em>… and 205 more</em>" in shown


def test_a_list_that_contains_itself_is_left_as_it_is() -> None:
    itself: list[Any] = [File()]
    itself.append(itself)
    assert side_by_side(itself) is None
    first: list[Any] = [File()]
    second: list[Any] = [File(), first]
    first.append(second)
    assert side_by_side(first) is None
    long: list[Any] = [File() for _ in range(MAX_ITEMS // 3)]
    long.append(long)
    assert side_by_side(long) is None


def test_the_same_list_twice_is_no_cycle() -> None:
    pair = [File(), File()]
    shown = side_by_side([pair, pair])
    assert shown is not None
    assert shown.count("<img") == 4


@pytest.mark.slow
def test_lists_in_lists_are_followed_to_a_bounded_depth() -> None:
    assert side_by_side(nested(File(), MAX_DEPTH)) == "<img alt=a>"
    assert side_by_side(nested(File(), MAX_DEPTH + 1)) is None
    assert side_by_side(nested(File(), 100_000)) is None


def test_what_one_output_keeps_of_files_is_bounded() -> None:
    files = [File(size=2**40) for _ in range(5)]
    side_by_side(files)
    limit = gallery.MAX_FILE_SIZE
    assert [file.max_sizes for file in files] == [[limit], [limit], [limit], [0], [0]]
    assert 3 * limit == gallery.MAX_TOTAL_SIZE


def test_small_files_leave_room_for_the_next_ones() -> None:
    limit = gallery.MAX_FILE_SIZE
    files = [File(size=size) for size in (limit, 10, limit, limit, 10, limit)]
    side_by_side(files)
    expected = [limit, limit, limit, limit - 10, 0, 0]
    assert [file.max_sizes[0] for file in files] == expected


@pytest.mark.parametrize("kind", [list, tuple])
def test_ipython_displays_a_list_of_files_as_a_gallery(shell: FakeShell, kind: Any) -> None:
    register_html(kind, side_by_side)
    assert shell.html_of(kind([File("a"), File("b")])).count("<img") == 2  # type: ignore[union-attr]
    assert shell.html_of(kind([1, 2])) is None
    assert shell.html_of(kind()) is None


def test_ipython_displays_a_list_that_contains_itself(shell: FakeShell) -> None:
    register_html(list, side_by_side)
    itself: list[Any] = []
    itself.append(itself)
    data, _ = shell.display_formatter.format(itself)
    assert data == {"text/plain": "[[...]]"}


@pytest.mark.slow
def test_registering_the_gallery_imports_no_more_than_it_needs() -> None:
    program = (
        "import sys, types\n"
        "sys.modules['IPython'] = types.ModuleType('IPython')\n"
        "import replicate_sync\n"
        "assert 'replicate_sync.display.gallery' in sys.modules\n"
        "assert not {'PIL', 'requests', 'tqdm', 'tenacity'} & set(sys.modules)\n"
        "prefix = 'replicate_sync.'\n"
        "ours = {name.removeprefix(prefix) for name in sys.modules if name.startswith(prefix)}\n"
        "assert ours <= {'_version', 'exceptions', 'display', 'display.gallery', 'display.html',"
        " 'display.logs', 'display.notebook'}, ours\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
