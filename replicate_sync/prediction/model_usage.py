"""What the predictions of one model have used, and how that is added up."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Used: TypeAlias = (
    "tuple[int, float | None, float | None, float | None, float | None, float | None, int]"
)
"""What predictions have used, in the order of the fields of a `ModelUsage`."""


class ModelUsage(NamedTuple):
    """What the predictions of one model have used, or those of all models.

    Examples:
        >>> client = client.with_options(prices={})
        >>> greeting = client.run("replicate/hello-world", {"text": "Alice"})
        >>> client.usage["replicate/hello-world"].predictions
        1
    """

    #: How many have ended.
    predictions: int = 0
    #: The seconds that the model ran, as the API has measured them.
    seconds: float | None = None
    #: The tokens that it read.
    input_tokens: float | None = None
    #: The tokens that it wrote.
    output_tokens: float | None = None
    #: The images that it made.
    images: float | None = None
    #: What it has cost by the prices that were given; None where that is not known of all.
    cost: float | None = None
    #: How many of them the API sent no seconds for although they had started: they are in no sum.
    unmetered: int = 0


class Sums:
    """What the predictions of one model have used so far."""

    def __init__(self) -> None:
        self._predictions = 0
        self._seconds: float | None = None
        self._input_tokens: float | None = None
        self._output_tokens: float | None = None
        self._images: float | None = None
        self._cost: float | None = 0
        self._unmetered = 0

    def add(self, used: Used) -> None:
        """Add what one or more predictions have used."""
        predictions, seconds, input_tokens, output_tokens, images, cost, unmetered = used
        self._predictions += predictions
        self._unmetered += unmetered
        if seconds is not None:
            self._seconds = (self._seconds or 0) + seconds
        if input_tokens is not None:
            self._input_tokens = (self._input_tokens or 0) + input_tokens
        if output_tokens is not None:
            self._output_tokens = (self._output_tokens or 0) + output_tokens
        if images is not None:
            self._images = (self._images or 0) + images
        if cost is None or self._cost is None:
            self._cost = None
        else:
            self._cost += cost

    def usage(self) -> ModelUsage:
        """Return the sums as of now."""
        cost = self._cost
        if not self._predictions:
            cost = None
        return ModelUsage(
            self._predictions,
            self._seconds,
            self._input_tokens,
            self._output_tokens,
            self._images,
            cost,
            self._unmetered,
        )


def cells(usage: ModelUsage) -> tuple[str, ...]:
    """Return a usage as the cells of a row in a table."""
    seconds = _cell(usage.seconds, ".2f")
    cost = _cell(usage.cost, ".4f")
    counts = [_cell(n, ".0f") for n in (usage.input_tokens, usage.output_tokens, usage.images)]
    return (str(usage.predictions), seconds, *counts, cost)


def _cell(value: float | None, form: str) -> str:
    if value is None:
        return "-"
    return format(value, form)
