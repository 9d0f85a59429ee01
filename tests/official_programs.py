"""Small programs as users of the official client write them, and the server that they run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import NamedTuple

from replicate_sync.server import LocalServer

FOLDER = Path(__file__).parent / "official" / "programs"
_CELL = re.compile(r"^# %% (.+)$", re.MULTILINE)
_IMPORTS = (
    (re.compile(r"^import replicate$", re.M), "import replicate_sync.official as replicate"),
    (
        re.compile(r"^import replicate\.(\w+)$", re.M),
        r"import replicate_sync.official.\1; import replicate_sync.official as replicate",
    ),
    (
        re.compile(r"^from replicate(\.\w+)? import ", re.M),
        r"from replicate_sync.official\1 import ",
    ),
)


class Program(NamedTuple):
    """A program, named by its file and what it does."""

    name: str
    source: str

    @property
    def moved(self) -> str:
        """The program with other import lines, and nothing else changed."""
        source = self.source
        for pattern, replacement in _IMPORTS:
            source = pattern.sub(replacement, source)
        return source


def programs() -> list[Program]:
    """Return all programs: the cells of the files, each of which begins with its name."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        _, *cells = _CELL.split(path.read_text(encoding="utf-8"))
        for title, source in zip(cells[::2], cells[1::2], strict=True):
            found.append(Program(f"{path.stem}: {title}", source.strip() + "\n"))
    return found


def register(server: LocalServer) -> None:
    """Register the models that the programs run."""
    _register_texts(server)
    _register_files(server)
    for number in range(25):  # more than one page of models
        server.script(f"many/model-{number}")


def _register_texts(server: LocalServer) -> None:
    @server.model("me/community", official=False)
    def community(number: int) -> dict[str, int]:
        return {"double": 2 * number}

    @server.model("me/words")
    def words(pause: float = 0.005) -> Iterator[str]:
        for piece in ["Once", " upon", "\n", "", "a\nb", " \N{SNOWMAN}"]:
            sleep(pause)
            yield piece

    @server.model("me/breaks")
    def breaks() -> Iterator[str]:
        yield "a"
        raise ValueError("out of words")

    @server.model("me/analysis")
    def analysis(text: str, tags: list[str] | None = None, more: list[str] | None = None) -> dict:  # type: ignore[type-arg]
        letters = len(text.replace(" ", ""))
        nested = {"letters": letters}
        return {"words": len(text.split()), "nested": nested, "tags": tags, "more": more}

    @server.model("me/numbers")
    def numbers(count: int) -> list[int]:
        return list(range(count))

    @server.model("me/nothing")
    def nothing(number: int = 0) -> None:
        return None

    @server.model("me/lines")
    def lines() -> list[str]:
        return ["one", "two", "https is a word", "three"]


def _register_files(server: LocalServer) -> None:
    @server.model("me/reverse")
    def reverse(files: list[Path]) -> list[bytes]:
        return [file.read_bytes()[::-1] for file in files]

    @server.model("me/each")
    def each(files: list[Path]) -> Iterator[bytes]:
        for file in files:
            yield file.read_bytes()[::-1]

    @server.model("me/report")
    def report() -> dict:  # type: ignore[type-arg]
        return {"title": "a report", "file": b"content"}
