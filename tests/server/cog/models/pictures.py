"""Functions instead of a class: one returns files, one yields them, and one returns a number."""

import tempfile
from typing import Iterator, List

from cog import Path


def _drawn(number: int) -> Path:
    with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
        file.write(b"\x89PNG" + bytes([number]))
    return Path(file.name)


def draw(count: int = 1) -> List[Path]:
    return [_drawn(number) for number in range(count)]


def film(count: int = 2) -> Iterator[Path]:
    for number in range(count):
        yield _drawn(number)


def add(a: int, b: int = 1) -> int:
    return a + b
