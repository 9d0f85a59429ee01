"""The budget of a map: when it is spent, no further prediction is created.

What has been spent is known when predictions end, so those in flight at that time may exceed it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from ..exceptions import InvalidInputError, MapError
from ..prediction.usage import Usage
from ..refs import ModelRef

if TYPE_CHECKING:
    from .map_options import OnError
    from .runner import BatchRunner

_Input = TypeVar("_Input")


class Budget:
    """Ends the inputs of a map when its predictions have cost enough.

    Args:
        limit: The money to spend, as the prices have it.
        usage: What the predictions of the map have used.
        ref: The model.

    Raises:
        InvalidInputError: It is no amount of money, or it is not known what the model costs.
    """

    def __init__(self, limit: float, usage: Usage, ref: ModelRef) -> None:
        is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if not is_number or not 0 <= limit < inf:
            raise InvalidInputError(f"budget must be a number of 0 or more, not {limit!r}.")
        if ref.model not in usage.prices:
            raise InvalidInputError(
                f"budget= needs to know what {ref} costs.",
                hint=f"Pass prices={{{ref.model or 'owner/name'!r}: …}} to the client.",
            )
        self._limit = limit
        self._usage = usage
        self._is_reached = False

    def inputs(self, inputs: Iterable[_Input]) -> Iterator[_Input]:
        """Yield inputs until the budget is spent, or a cost is not known."""
        for given in inputs:
            total = self._usage.total
            is_known = total.cost is not None or not total.predictions
            if not is_known or (total.cost or 0.0) >= self._limit:
                self._is_reached = True
                return
            yield given

    def raise_if_reached(self) -> None:
        """Raise that not all inputs were run.

        Raises:
            MapError: The budget is spent, or it is not known whether it is.
        """
        if not self._is_reached:
            return
        total = self._usage.total
        if total.cost is None:
            raise MapError(
                f"After {total.predictions} predictions the API has not said what one of them has "
                f"used, so whether the budget of {self._limit:g} is spent is not known.",
                hint="The results so far have been yielded; the inputs after them were not run.",
            )
        raise MapError(
            f"The budget of {self._limit:g} is spent: {total.predictions} predictions cost "
            f"{total.cost:g}.",
            hint="The results so far have been yielded; the inputs after them were not run.",
        )


def results_within(
    budget: Budget | None,
    make_runner: Callable[[], BatchRunner],
    inputs: Iterable[Mapping[str, Any]],
    concurrency: int,
    ordered: bool,
    on_error: OnError,
) -> Generator[Any, None, None]:
    """Yield the results of a map, until its budget is spent.

    Args:
        budget: The budget, or None for no limit.
        make_runner: Returns what runs the map; called when the first result is asked for.
        inputs: As in `map`; likewise all other arguments.
        concurrency: See there.
        ordered: See there.
        on_error: See there.

    Yields:
        Results, or errors in their places.

    Raises:
        MapError: A prediction failed, or the budget is spent.
    """
    runner = make_runner()
    if budget is None:
        yield from runner.results(inputs, concurrency, ordered, on_error)
    else:
        yield from runner.results(budget.inputs(inputs), concurrency, ordered, on_error)
        budget.raise_if_reached()
