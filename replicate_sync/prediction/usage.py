"""What predictions have used: seconds, tokens and images of each model, and money where known.

Only what the API has said is added up. A sum is None where nothing is known of it, and money is
None as soon as that of one prediction is not known. An example, with a price for "a/b" only:

    model    predictions  seconds  input tokens  output tokens  images    cost
    a/b                2     8.25             -              -       2  0.0165
    c/d                1     0.50            12            140       -       -
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any, cast

from ..exceptions import InvalidInputError
from ..forks import brief_lock

if TYPE_CHECKING:
    from typing import Protocol

    from .model_usage import ModelUsage, Sums, Used

    class Metered(Protocol):
        """What is read of a prediction."""

        id: str
        model: str | None
        output: Any

        @property
        def has_run(self) -> bool:
            """Whether it has started."""

        @property
        def predict_time(self) -> float | None:
            """The seconds that it ran."""

        @property
        def input_tokens(self) -> float | None:
            """The tokens that it read."""

        @property
        def output_tokens(self) -> float | None:
            """The tokens that it wrote."""

        @property
        def images_made(self) -> float | None:
            """The images that it made."""


_UNITS = ("second", "image", "input_token", "output_token", "prediction")
_UNKNOWN_MODEL = "unknown"
_MAX_REMEMBERED = 10_000  # predictions that are not counted twice, at the least
_MAX_PENDING = 16  # predictions that are held until they are added up
_MAX_HELD = 4096  # characters of the output of such a one; any other is added up at once
_COLUMNS = ("model", "predictions", "seconds", "input tokens", "output tokens", "images", "cost")


Price = float | Mapping[str, float]
"""What a model costs: for each second, or by unit: "second", "image", "prediction", …"""


class Prices:
    """What models cost, as the caller says.

    Args:
        prices: By model, "owner/name": the price of a second, or a dict by unit ("second", "image",
            "input_token", "output_token", "prediction").

    Raises:
        InvalidInputError: A price is none.
    """

    def __init__(self, prices: Mapping[str, Price] | None = None) -> None:
        self._prices: dict[str, dict[str, float]] = {}
        if not isinstance(prices, Mapping | None):
            raise InvalidInputError(f"prices is a dict by model, not {type(prices).__name__}.")
        for model, price in (prices or {}).items():
            if isinstance(price, Mapping):
                units = price
            else:
                units = {"second": price}
            for unit, amount in units.items():
                _validate_price(model, unit, amount)
            self._prices[model] = {unit: float(amount) for unit, amount in units.items()}

    def __contains__(self, model: object) -> bool:
        return model in self._prices

    def cost(self, prediction: Metered) -> float | None:
        """Return what a prediction that has ended has cost, or None where that is not known.

        What has not started costs nothing.
        """
        units = self._prices.get(prediction.model or "")
        if units is None:
            return None
        if not prediction.has_run:
            return 0.0
        amounts = {
            "second": prediction.predict_time,
            "image": prediction.images_made,
            "input_token": prediction.input_tokens,
            "output_token": prediction.output_tokens,
            "prediction": 1.0,
        }
        cost = 0.0
        for unit, price in units.items():
            amount = amounts[unit]
            if amount is None:
                return None
            cost += price * amount
        return cost


class Usage(Mapping[str, "ModelUsage"]):
    """What the predictions of a client have used, by model. Any thread may read it at any time.

    A prediction counts when it has ended, if this client has created it or waited for it. Printed,
    it is a table.

    Args:
        prices: What models cost; nothing by default.
        whole: Another usage, in which everything counts as well; its prices are taken.

    Examples:
        >>> flux = "black-forest-labs/flux-schnell"
        >>> client = client.with_options(prices={flux: {"image": 0.003}})
        >>> picture = client.run(flux, {"prompt": "a lighthouse"})
        >>> client.usage[flux].cost
        0.003
    """

    def __init__(self, prices: Prices | None = None, whole: Usage | None = None) -> None:
        #: What models cost.
        self.prices: Prices = prices or Prices()
        self._whole = whole
        self._models: dict[str, Sums] = {}
        self._counted: dict[str, None] = {}
        # What has ended, each with the usage that it was added to.
        self._ended: deque[tuple[Metered, Usage]] = deque()
        if whole is not None:
            self.prices = whole.prices
            self._ended = whole._ended  # so that each is added up once for both
        #: For each prediction that has ended, but whose metrics were not fetched: fetches and adds
        #: them.
        self.unseen: deque[Callable[[], object]] = deque(maxlen=_MAX_REMEMBERED)

    @property
    def total(self) -> ModelUsage:
        """The sums over all models.

        Examples:
            >>> client = client.with_options(prices={})
            >>> greeting = client.run("replicate/hello-world", {"text": "Alice"})
            >>> client.usage.total.predictions
            1
        """
        from .model_usage import Sums

        self._add_up()
        total = Sums()
        with brief_lock:
            for sums in self._models.values():
                total.add(sums.usage())
        return total.usage()

    def add(self, prediction: Metered) -> None:
        """Count a prediction that has ended, once. A few with short outputs are added up later.

        Args:
            prediction: The prediction; one that was counted before is not counted again.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> usage = client.with_options(prices={}).usage
            >>> usage.add(prediction)
            >>> usage.total.predictions
            1
        """
        self._ended.append((prediction, self))
        output = prediction.output
        is_short = output is None or (isinstance(output, str) and len(output) <= _MAX_HELD)
        if len(self._ended) >= _MAX_PENDING or not is_short:
            self._add_up()

    def fetch(self) -> Usage:
        """Fetch the metrics that are missing, by a request for each, and return this usage.

        Returns:
            This usage, in which all that has ended is counted.

        Examples:
            >>> usage = client.usage.fetch()
        """
        while self.unseen:
            self.unseen.popleft()()
        return self

    def _add_up(self) -> None:
        while self._ended:
            try:
                prediction, usage = self._ended.popleft()
            except IndexError:  # another thread has taken the last one
                return
            usage._count(prediction)

    def _count(self, prediction: Metered) -> None:
        seconds = prediction.predict_time
        if seconds is None and not prediction.has_run:
            seconds = 0.0
        used = (
            1,
            seconds,
            prediction.input_tokens,
            prediction.output_tokens,
            prediction.images_made,
            self.prices.cost(prediction),
            int(seconds is None),
        )
        name = prediction.model or _UNKNOWN_MODEL
        with brief_lock:
            self._add_one(prediction.id, name, used)
            if self._whole is not None:
                self._whole._add_one(prediction.id, name, used)

    def _add_one(self, prediction_id: str, model: str, used: Used) -> None:
        """Add what one prediction has used, unless it was counted before."""
        if prediction_id in self._counted:
            return
        self._counted[prediction_id] = None
        if len(self._counted) > 2 * _MAX_REMEMBERED:
            self._counted = dict.fromkeys(tuple(self._counted)[-_MAX_REMEMBERED:])
        sums = self._models.get(model)
        if sums is None:
            from .model_usage import Sums  # late, as few predictions are the first of their model

            sums = Sums()
            self._models[model] = sums
        sums.add(used)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the usage as the rows of a table, the heads first, and the total last.

        Examples:
            >>> client.usage.rows()[0]
            ('model', 'predictions', 'seconds', 'input tokens', 'output tokens', 'images', 'cost')
        """
        from .model_usage import cells

        rows: list[tuple[str, ...]] = [_COLUMNS]
        rows += [(name, *cells(usage)) for name, usage in sorted(self.items())]
        if len(self) > 1:
            rows.append(("total", *cells(self.total)))
        return rows

    def __getitem__(self, model: str) -> ModelUsage:
        self._add_up()
        with brief_lock:
            return self._models[model].usage()

    def __iter__(self) -> Iterator[str]:
        self._add_up()
        with brief_lock:
            return iter(list(self._models))

    def __len__(self) -> int:
        self._add_up()
        return len(self._models)

    def __repr__(self) -> str:
        columns = list(zip(*self.rows(), strict=True))
        widths = [max(map(len, column)) for column in columns]
        return "\n".join(
            "  ".join(
                [row[0].ljust(widths[0])]
                + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            )
            for row in self.rows()
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"prices": self.prices}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Usage.__init__(self, state["prices"])


def _validate_price(model: object, unit: object, amount: object) -> None:
    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
    if not is_number or not 0 <= cast(float, amount) < inf:
        raise InvalidInputError(f"The price of {model!r} is a number of 0 or more, not {amount!r}.")
    if unit not in _UNITS:
        known = ", ".join(_UNITS)
        raise InvalidInputError(f"A price is one for each {known}, not for each {unit!r}.")
