"""How results are written: to stdout, or into files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from ..exceptions import ReplicateError
from ..payloads.file_output import FileOutput
from ..payloads.result_files import find_files, replace_files
from ..prediction.prediction import Prediction
from .echo import echo

_ESCAPED = re.compile("[\x7f-\x9f\ud800-\udfff]")  # JSON escapes the other control characters


def write_text(pieces: Generator[str, None, None], *, as_json: bool) -> None:
    """Write a text to stdout as it arrives.

    Args:
        pieces: Yields the text. It is closed at the end, which cancels its prediction if that is
            early: at Ctrl-C, or when nobody reads the output any more.
        as_json: Whether to write a line {"text": …} for each piece.
    """
    last = ""
    try:
        with closing(pieces):
            for piece in pieces:
                if as_json:
                    echo(json.dumps({"text": piece}))
                else:
                    echo(piece, nl=False)
                last = piece or last
    except ReplicateError:
        if last and not as_json:
            _end_line(last)  # the error has a line of its own
        raise
    if not as_json:
        _end_line(last)


def write_result(
    prediction: Prediction, result: object, out: str | None, *, as_json: bool, progress: bool
) -> None:
    """Write the result of a prediction to stdout.

    Args:
        prediction: The prediction.
        result: What it returned.
        out: Where to save it first, if anywhere; the paths are written then.
        as_json: Whether to write a JSON document of the prediction.
        progress: Whether to display progress bars for downloads.
    """
    if out is not None:
        result = save_result(result, out, progress=progress)
    if as_json:
        echo(prediction_json(prediction, result))
    else:
        _write_value(result)


def prediction_json(prediction: Prediction, result: object) -> str:
    """Return a prediction and its result as one line of JSON."""
    document = {
        "id": prediction.id,
        "model": prediction.model,
        "version": prediction.version,
        "status": prediction.status,
        "output": result,
        "metrics": prediction.metrics,
        "url": prediction.urls.get("web"),
    }
    return to_json(document)


def to_json(result: object, *, indent: int | None = None) -> str:
    """Return a result as JSON, with files as their URLs or paths.

    What cannot be encoded, or would be an order to a terminal, is escaped.
    """
    text = json.dumps(result, ensure_ascii=False, default=_name, indent=indent)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def save_result(result: object, out: str, *, progress: bool) -> object:
    """Save a result, and return it with paths in the places of its files.

    Args:
        result: The result. One without files is saved as text or JSON.
        out: A folder if it ends with a slash, if it exists as one, or if it has no suffix and there
            are several files. Otherwise the name of the file; several files are numbered. In a
            folder, no file takes the place of another.
        progress: Whether to display progress bars.
    """
    files = find_files(result)
    if files:
        paths = iter(_choose_paths(out, [file.name for file in files]))
        return replace_files(result, lambda file: file.save(next(paths), progress=progress))
    name = "output.json"
    content = result
    if isinstance(content, str):
        name = "output.txt"
    else:
        content = to_json(result, indent=2) + "\n"
    [path] = _choose_paths(out, [name])
    path.write_text(content, encoding="utf-8", errors="replace")
    return path


def _write_value(result: object) -> None:
    """Write text as it is, files as URLs or paths, one on a line, and anything else as JSON."""
    if isinstance(result, str):
        echo(result, nl=False)
        _end_line(result)
        return
    items = [result]
    if isinstance(result, list):
        items = result
    if items and all(isinstance(item, FileOutput | Path) for item in items):
        for file in items:
            echo(_name(file))
    else:
        echo(to_json(result))


def _name(value: object) -> str:
    """Return where a file is; anything else as a text."""
    if isinstance(value, FileOutput):
        return value.url
    return str(value)


def _choose_paths(out: str, names: Sequence[str]) -> list[Path]:
    """Choose where to save files of these names, and make the folder."""
    target = Path(out)
    has_several = len(names) > 1
    is_folder = out.endswith(("/", "\\")) or target.is_dir()
    if is_folder or (has_several and not target.suffix):
        target.mkdir(parents=True, exist_ok=True)
        return _free_paths(target, names)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not has_several:
        return [target]
    return [target.with_stem(f"{target.stem}-{number}") for number in range(len(names))]


def _free_paths(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return a path for each name in a folder, numbered where the name is taken."""
    paths: list[Path] = []
    for name in names:
        path = folder / name
        number = 0
        while path in paths or path.exists():
            number += 1
            path = (folder / name).with_stem(f"{Path(name).stem}-{number}")
        paths.append(path)
    return paths


def _end_line(text: str) -> None:
    """End the line for the prompt that follows in a terminal; a pipe gets the text unchanged."""
    if not text.endswith("\n") and sys.stdout.isatty():
        echo()
