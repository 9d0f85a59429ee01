"""A result on its way out of the shell: onto stdout, or into files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from ..errors import ReplicateError
from ..files import FileOutput
from ..predictions import Prediction


def told(pieces: Generator[str, None, None], as_json: bool, heard: list[str] | None = None) -> None:
    """Write a text to stdout as it comes, into `heard` too; as JSON, one line {"text": …} for each piece.

    Left early (Ctrl-C, nobody who reads), the generator is closed, which cancels its prediction.
    """
    last = ""
    try:
        with closing(pieces):
            for piece in pieces:
                if heard is not None:
                    heard.append(piece)
                click.echo(json.dumps({"text": piece}) if as_json else piece, nl=as_json)
                last = piece or last
    except ReplicateError:
        if last and not as_json:
            _end_line(last)  # the error has a line of its own
        raise
    if not as_json:
        _end_line(last)


def show(result: Any) -> None:
    """Write a result to stdout: a text as it is, files as their addresses or paths, a line each, all else as JSON."""
    if isinstance(result, str):
        click.echo(result, nl=False)
        _end_line(result)
    elif _is_file(result) or (isinstance(result, list) and result and all(map(_is_file, result))):
        for file in result if isinstance(result, list) else [result]:
            click.echo(str(file))
    else:
        click.echo(dumped(result))


def dumped(result: Any, **options: Any) -> str:
    """Give a result as JSON; files as their addresses or paths."""
    return json.dumps(result, ensure_ascii=False, default=str, **options)


def document(prediction: Prediction, result: Any) -> str:
    """Give a prediction and its result as one line of JSON."""
    kept = ("id", "model", "version", "status")
    found = {name: getattr(prediction, name) for name in kept}
    return dumped({**found, "output": result, "metrics": prediction.metrics, "url": prediction.urls.get("web")})


def give(prediction: Prediction, result: Any, out: str | None, *, as_json: bool, progress: bool) -> None:
    """Write a prediction's result to stdout; with `out`, into files first, and their paths to stdout."""
    shown = result if out is None else saved(result, out, progress=progress)
    if as_json:
        click.echo(document(prediction, shown))
    else:
        show(shown)


def saved(result: Any, out: str, *, progress: bool) -> Any:
    """Write a result into files, and give it with their paths in the files' places.

    `out` is a folder where it ends with a slash, is one already, or has no ending and there are several files; else it is
    the name of the file, and several files are numbered. In a folder, no file takes the place of another.
    """
    files = files_in(result)
    if not files:
        content, name = (
            (result, "output.txt") if isinstance(result, str) else (dumped(result, indent=2) + "\n", "output.json")
        )
        path = _paths(out, [name])[0]
        path.write_text(content, encoding="utf-8")
        return path
    paths = iter(_paths(out, [file.name for file in files]))
    return replaced(result, lambda file: file.save(next(paths), progress=progress))


def files_in(result: Any) -> list[FileOutput]:
    """Give the files in a result, in their order."""
    found: list[FileOutput] = []
    replaced(result, found.append)
    return found


def replaced(result: Any, put: Callable[[FileOutput], Any]) -> Any:
    """Give a result with each file in it replaced by what `put` makes of it."""
    if isinstance(result, FileOutput):
        return put(result)
    if isinstance(result, dict):
        return {name: replaced(item, put) for name, item in result.items()}
    return [replaced(item, put) for item in result] if isinstance(result, list) else result


def _paths(out: str, names: Sequence[str]) -> list[Path]:
    """Choose where files of these names go, and make the folder."""
    target = Path(out)
    several = len(names) > 1
    if not (out.endswith(("/", "\\")) or target.is_dir() or (several and not target.suffix)):
        target.parent.mkdir(parents=True, exist_ok=True)
        return [target.with_stem(f"{target.stem}-{i}") for i in range(len(names))] if several else [target]
    target.mkdir(parents=True, exist_ok=True)
    chosen: list[Path] = []
    for name in names:
        path, number = target / name, 0
        while path in chosen or path.exists():
            number += 1
            path = (target / name).with_stem(f"{Path(name).stem}-{number}")
        chosen.append(path)
    return chosen


def _is_file(result: Any) -> bool:
    return isinstance(result, FileOutput | Path)


def _end_line(text: str) -> None:
    """End the line for the prompt that follows. Who pipes a text gets the model's own, to the letter."""
    if not text.endswith("\n") and sys.stdout.isatty():
        click.echo()
