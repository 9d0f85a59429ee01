"""What the predictions of one model have used, and the sum of two such usages."""

from __future__ import annotations

from typing import NamedTuple


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


def add(first: ModelUsage, second: ModelUsage, *, is_first: bool) -> ModelUsage:
    """Return the sum of two usages.

    Args:
        first: The one so far.
        second: What is added.
        is_first: Whether nothing has been added so far.
    """
    cost = second.cost
    if not is_first:
        cost = None
        if first.cost is not None and second.cost is not None:
            cost = first.cost + second.cost
    return ModelUsage(
        predictions=first.predictions + second.predictions,
        seconds=_sum(first.seconds, second.seconds),
        input_tokens=_sum(first.input_tokens, second.input_tokens),
        output_tokens=_sum(first.output_tokens, second.output_tokens),
        images=_sum(first.images, second.images),
        cost=cost,
        unmetered=first.unmetered + second.unmetered,
    )


def _sum(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


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
