"""`replicate-sync models`: what there is to run, and what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ..client import Replicate
from ..records import Version
from ..refs import parse
from ..schemas import Input, resolved
from .calling import calling, model_argument
from .tables import table


@click.group()
def models() -> None:
    """Find models, and see what they take."""


@models.command()
@model_argument
@calling
def show(client: Replicate, as_json: bool, model: str) -> None:
    """Show what MODEL is, and the table of its inputs.

    MODEL is owner/name or owner/name:version. With --json, all that the API tells of it.
    """
    ref = parse(client.get_model(model))
    if ref.model is None:
        raise click.UsageError("A version id alone does not tell its model: write owner/name, or owner/name:version.")
    version = client.models.versions.get(str(ref)) if ref.version else None
    found = client.models.get(ref.model)
    if as_json:
        click.echo(json.dumps({**found.raw, **({"version": version.raw} if version else {})}))
        return
    runs = "" if found.run_count is None else f"{found.run_count:,} runs"
    facts = [str(ref), found.description, "  ".join(part for part in (runs, found.url) if part)]
    click.echo("\n".join(fact for fact in facts if fact))
    shown = version or found.latest_version
    if shown is None:
        click.echo("\nIt has no version that could be run.")
        return
    click.echo(f"\n{_inputs(shown)}\n\nIt gives {kind_of_output(shown.schemas)}.")


@models.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@calling
def search(client: Replicate, as_json: bool, words: tuple[str, ...], limit: int) -> None:
    """Find public models by WORDS.

    With --json, a line for each, with all that the API tells of it.
    """
    found = client.models.search(" ".join(words), limit=limit)
    if as_json:
        for one in found:
            click.echo(json.dumps(one.raw))
        return
    rows = [(str(one), "" if one.run_count is None else f"{one.run_count:,}", one.description or "") for one in found]
    if not rows:
        click.echo("No model was found.", err=True)
        return
    click.echo(table(("model", "runs", "description"), rows))


def kind_of_output(schemas: Mapping[str, Any] | None) -> str:
    """Say in words what a model gives, by its `components.schemas`."""
    schema = resolved((schemas or {}).get("Output"), schemas or {})
    kind = schema.get("type")
    if kind == "array":
        items = resolved(schema.get("items"), schemas or {})
        if schema.get("x-cog-array-display") == "concatenate":
            return "a text, piece by piece"
        if items.get("type") == "string":
            return "a list of files" if items.get("format") == "uri" else "a list of texts"
        return "a list, as JSON"
    if kind == "string":
        return "a file" if schema.get("format") == "uri" else "a text"
    return {
        "object": "an object, as JSON",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
    }.get(str(kind), "a value of a kind that it does not tell")


def _default(one: Input) -> str:
    """An input's default as it would be written in a shell."""
    if one.default is None:
        return "required" if one.required else ""
    return one.default if isinstance(one.default, str) else json.dumps(one.default)


def _inputs(version: Version) -> str:
    """The inputs as a table, as wide as the terminal."""
    rows = [(one.name, one.type, _default(one), one.range, one.description) for one in version.inputs.values()]
    return table(("input", "type", "default", "range", "description"), rows) if rows else "It does not tell what it takes."
