"""Generators whose reprs say what they are."""

from __future__ import annotations

from collections.abc import Generator
from types import GeneratorType
from typing import Any, TypeVar, cast

_Generator = TypeVar("_Generator", bound=Generator[Any, Any, Any])


def describe_generator(generator: _Generator, what: str) -> _Generator:
    """Return the generator itself, with words in its repr: `<generator object {what} at 0x…>`.

    Args:
        generator: A generator that was made by a function or an expression.
        what: What it yields, for a person who has not iterated over it.
    """
    cast("GeneratorType[Any, Any, Any]", generator).__qualname__ = what
    return generator
