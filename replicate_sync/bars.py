"""Progress that a person asked to see: the owner of tqdm.

In a terminal a bar stands on stderr. In a notebook it is plain text that is shown anew, and not a widget: one would be dead
in a notebook that is opened again, and without ipywidgets tqdm warns in red.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sized
from types import TracebackType
from typing import Any, Protocol, TypeVar

from . import notebook
from .logs import Progress

LONG = 5 * 2**20  # bytes: a shorter file is there before anybody has read of it

_WIDTH = 110  # characters of a bar in a notebook
_COUNTED = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_UNCOUNTED = "{desc} [{elapsed}]"


class Watched(Protocol):
    """What has a status, and perhaps tells how far it is."""

    @property
    def status(self) -> str:
        """What it is at."""

    @property
    def progress(self) -> Progress | None:
        """How far it is."""


_Watched = TypeVar("_Watched", bound=Watched)
_Item = TypeVar("_Item")


def check() -> None:
    """Raise ImportError, with what to install, where tqdm is missing."""
    try:
        import tqdm  # noqa: F401
    except ImportError:
        raise ImportError('Progress bars need tqdm: pip install "replicate-sync[progress]"') from None


def watched(looks: Generator[_Watched, None, None], of: _Watched, name: str) -> Iterator[_Watched]:
    """Yield each look at a prediction, with its status and its own percentage shown in a bar."""
    bar = _bar(desc=f"{name}: {of.status}", bar_format=_UNCOUNTED)
    try:
        for one in looks:
            _tell(bar, one, name)
            yield one
    finally:
        looks.close()
        _tell(bar, of, name)
        bar.close()


def counted(results: Generator[_Item, None, None], of: Iterable[Any], name: str) -> Generator[_Item, None, None]:
    """Yield the results of many runs, with how many are done and failed, and how many a second, shown in a bar."""
    failed = 0
    bar = _bar(desc=name, total=len(of) if isinstance(of, Sized) else None, unit="run")
    try:
        for one in results:
            failed += isinstance(one, Exception)
            bar.set_postfix_str(f"{failed} failed", refresh=False)
            bar.update()
            yield one
    finally:
        results.close()
        bar.close()


class Meter:
    """Shows how many bytes of a file have moved, where that is `wanted` and the file is a long one."""

    def __init__(self, name: str, wanted: bool) -> None:
        self._name, self._wanted = name, wanted
        self._bar: Any = None
        if wanted:
            check()

    def moved(self, so_far: int, of: int | None) -> None:
        """Show that so many bytes have moved; one that begins again has moved fewer."""
        if not self._wanted or max(so_far, of or 0) <= LONG:
            return
        if self._bar is None:
            self._bar = _bar(desc=self._name, total=of or None, unit="B", unit_scale=True, unit_divisor=1024)
        self._bar.update(so_far - self._bar.n)

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()


def _bar(**options: Any) -> Any:
    check()
    from tqdm import tqdm  # late, as most programs show no bars

    if notebook.kernel():
        options |= {"file": _Page(), "ncols": _WIDTH}
    return tqdm(**options)


def _tell(bar: Any, of: Watched, name: str) -> None:
    progress = of.progress
    bar.bar_format = _COUNTED if progress else _UNCOUNTED
    if progress:
        bar.total, bar.n = progress.total, progress.current
    bar.set_description_str(f"{name}: {of.status}", refresh=False)
    bar.refresh()


class _Page:
    """What tqdm takes for a terminal, in a notebook: each line takes the place of the one before, and the last stays."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._pane = notebook.Pane()
        self._line = ""

    def write(self, text: str) -> None:
        """Show what would stand on the terminal's line."""
        line = text.rpartition("\r")[2].rstrip()
        if line and line != self._line:
            self._line = line
            self._pane.show({"text/plain": line})

    def flush(self) -> None:
        """Nothing is held back."""
