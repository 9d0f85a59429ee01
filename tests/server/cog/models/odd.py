"""Annotated as Cog has no name for."""

from typing import Generator, Literal, Optional

from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, mode: Literal["a", "b"] = "a", bare=1) -> Optional[list[list[int]]]:
        return [[1, bare], [2]] if mode == "a" else None


def count(to: int) -> Generator[int, None, None]:
    yield from range(to)
