"""`replicate-sync usage`: what the account's predictions have used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

import click

from ..client import Replicate
from ..display.tables import format_table
from ..exceptions import InvalidInputError
from ..prediction.model_usage import ModelUsage
from ..prediction.usage import Prices, Usage
from .options import api_command
from .since import api_time, since_option


@click.command(short_help="Show what the account's predictions have used.")
@since_option("7d")
@click.option(
    "--price",
    "pairs",
    multiple=True,
    metavar="MODEL=PRICE",
    help="What a second of a model costs, such as owner/name=0.000725; may be given several times.",
)
@api_command
def usage(client: Replicate, as_json: bool, since: datetime, pairs: tuple[str, ...]) -> None:
    """Show what the account's predictions have used: seconds, tokens and images of each model.

    Only what Replicate says of them is added up; "-" is what it does not say. The cost is known
    where --price says what a second of the model costs. With --json, one line:
    {"models": {NAME: {"predictions", "seconds", …}}, "total": {…}}.
    """
    counted = Usage(Prices(_parse_prices(pairs)))
    for prediction in client.predictions.list(created_after=api_time(since)):
        if prediction.ended:
            counted.add(prediction)
    if as_json:
        models = {name: _document(counted[name]) for name in counted}
        click.echo(json.dumps({"models": models, "total": _document(counted.total)}))
    elif not counted:
        click.echo("No prediction has ended since then.", err=True)
    else:
        head, *rows = counted.rows()
        click.echo(format_table(head, rows))


def _parse_prices(pairs: Iterable[str]) -> dict[str, float]:
    prices: dict[str, float] = {}
    for pair in pairs:
        model, _, price = pair.rpartition("=")
        try:
            prices[model] = float(price)
        except ValueError:
            raise InvalidInputError(
                f"A price is written MODEL=PRICE, such as owner/name=0.000725, not {pair!r}."
            ) from None
    return prices


def _document(usage: ModelUsage) -> dict[str, float | None]:
    return usage._asdict()
