"""What became of an output when it was parsed, so that it need not be asked what it is again.

Whether strings are one text, and which of them are files, is known from the model's schema, which
the API has. A journal keeps the decision beside the output:

    {}                                           the output is the result
    {"text": true}                               its strings are one text
    {"files": [{"at": ["image", 0], "path": …}]}   files, where they are in it and on disk
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..payloads.file_output import FileDownloader, FileOutput

Shape = dict[str, Any]


def shape_of(output: object, result: object) -> Shape:
    """Return the shape of a result.

    Args:
        output: The output as the API has sent it.
        result: What it was parsed to; what did not change is the very same object.
    """
    if isinstance(result, str) and not isinstance(output, str):
        return {"text": True}
    files = [{"at": place, "path": _path_of(file)} for place, file in _files(output, result)]
    if files:
        return {"files": files}
    return {}


def restore(output: object, shape: Shape, downloader: FileDownloader) -> object:
    """Return the result of an output of a known shape; no request is sent.

    Raises:
        ValueError: The shape is not one of this output.
    """
    if shape.get("text") and isinstance(output, list):
        return "".join([item for item in output if isinstance(item, str)])
    files = shape.get("files") or ()
    if not files:
        return output
    holder = [json.loads(json.dumps(output))]
    try:
        for number, known in enumerate(files):
            place: list[Any] = [0, *known["at"]]
            last = place.pop()
            container: Any = holder
            for key in place:
                container = container[key]
            path = None if known["path"] is None else Path(known["path"])
            container[last] = FileOutput(container[last], downloader, f"out-{number}", path)
    except (LookupError, TypeError) as error:
        raise ValueError("its files are elsewhere in its output") from error
    return holder[0]


def paths_in(shape: Shape | None) -> list[str]:
    """Return where the files of a result are on disk; "" for one that was not saved."""
    return [file.get("path") or "" for file in (shape or {}).get("files") or ()]


def _files(output: object, result: object) -> Iterator[tuple[list[str | int], FileOutput]]:
    waiting: list[tuple[list[str | int], Any, Any]] = [([], output, result)]
    while waiting:
        place, before, after = waiting.pop()
        if isinstance(after, FileOutput):
            yield place, after
        elif after is not before and isinstance(after, dict):
            items = [([*place, name], before[name], after[name]) for name in after]
            waiting.extend(reversed(items))
        elif after is not before and isinstance(after, list):
            pairs = zip(before, after, strict=True)
            items = [([*place, number], *pair) for number, pair in enumerate(pairs)]
            waiting.extend(reversed(items))


def _path_of(file: FileOutput) -> str | None:
    if file.path is None:
        return None
    return str(file.path)
