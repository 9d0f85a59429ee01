"""`replicate-sync models`: which models there are, and what they take."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..callable_model import fetch_schema
from ..client import Replicate
from ..display.tables import format_table, terminal_width
from ..payloads.input_schema import Input
from ..payloads.saving import write_whole
from ..payloads.schemas import ModelSchema
from ..refs import ModelRef, parse
from .echo import echo
from .options import api_command, complete_model, limit_option, model_argument
from .stubs import Stub, module_source

if TYPE_CHECKING:
    from ..resources.models import Model
    from ..resources.versions import Version


@click.group()
def models() -> None:
    """Find models, and show their inputs."""


@models.command()
@model_argument
@api_command
def show(client: Replicate, as_json: bool, model: str) -> None:
    """Show what MODEL is, and a table of its inputs.

    MODEL is owner/name or owner/name:version. With --json, everything that the API says of it.
    """
    ref = parse(client.get_model(model))
    if ref.model is None:
        raise click.UsageError(
            "A version id alone does not name a model: write owner/name, or owner/name:version."
        )
    version = None
    if ref.version is not None:
        version = client.models.versions.get(str(ref))
    details = client.models.get(ref.model)
    if as_json:
        document = dict(details.raw)
        if version is not None:
            document["version"] = version.raw
        echo(json.dumps(document))
        return
    echo(_describe_model(ref, details))
    echo(_describe_version(version or details.latest_version))


@models.command()
@click.argument("words", nargs=-1, required=True)
@limit_option
@api_command
def search(client: Replicate, as_json: bool, words: tuple[str, ...], limit: int) -> None:
    """Find public models by WORDS.

    With --json, each is a line with everything that the API says of it.
    """
    matches = client.models.search(" ".join(words), limit=limit)
    if as_json:
        for match in matches:
            echo(json.dumps(match.raw))
        return
    rows = [
        (str(match), _format_count(match.run_count), match.description or "") for match in matches
    ]
    if not rows:
        echo("No model was found.", err=True)
        return
    echo(format_table(("model", "runs", "description"), rows, terminal_width()))


@models.command()
@click.argument("names", metavar="MODEL...", nargs=-1, required=True, shell_complete=complete_model)
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write this file."
)
@click.option("--pin", is_flag=True, help="Name the latest version, instead of any later one too.")
@api_command
def stub(
    client: Replicate, as_json: bool, names: tuple[str, ...], out: Path | None, pin: bool
) -> None:
    """Write a Python module with a function for each MODEL, for editors and type checkers.

    MODEL is owner/name, or owner/name:version for this version only. Written again, the module
    changes only where a model has changed.
    """
    stubs = [_fetch_stub(client, parse(client.get_model(name)), pin=pin) for name in names]
    source = module_source(stubs, _stub_command(names, out, pin=pin))
    if out is not None:
        write_whole([source.encode()], out, overwrite=True)
        return
    if as_json:
        echo(json.dumps({"source": source}))
    else:
        echo(source, nl=False)


def _fetch_stub(client: Replicate, ref: ModelRef, *, pin: bool) -> Stub:
    if ref.model is None:
        raise click.UsageError(
            "A version id alone does not name a model: write owner/name, or owner/name:version."
        )
    schema = fetch_schema(client, ref)
    if pin and ref.version is None:
        version = client.predictions.context.schemas.latest_version(ref.model)
        ref = ModelRef(ref.model, version)
    return Stub(ref, schema)


def _stub_command(names: tuple[str, ...], out: Path | None, *, pin: bool) -> str:
    words = ["replicate-sync", "models", "stub", *names]
    if pin:
        words.append("--pin")
    if out is not None:
        words += ["-o", out.name]
    return shlex.join(words)


def _describe_model(ref: ModelRef, model: Model) -> str:
    facts = []
    if model.run_count is not None:
        facts.append(f"{_format_count(model.run_count)} runs")
    if model.url:
        facts.append(model.url)
    lines = [str(ref), model.description or "", "  ".join(facts)]
    return "\n".join(line for line in lines if line)


def _describe_version(version: Version | None) -> str:
    if version is None:
        return "\nIt has no version that could be run."
    rows = [_row(one) for one in version.inputs.values()]
    table = "Its inputs are not known."
    if rows:
        head = ("input", "type", "default", "range", "description")
        table = format_table(head, rows, terminal_width())
    output = ModelSchema.parse(version.schemas).output_description
    return f"\n{table}\n\nIt returns {output}."


def _row(one: Input) -> tuple[str, str, str, str, str]:
    """Return an input with its default as it would be written in a shell."""
    default = ""
    if isinstance(one.default, str):
        default = one.default
    elif one.default is not None:
        default = json.dumps(one.default)
    elif one.required:
        default = "required"
    return one.name, one.type, default, one.range, one.description


def _format_count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
