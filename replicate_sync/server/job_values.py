"""From a prediction's input to the arguments of a function, and from its result to JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from .files import Files, read_file
from .json_types import JSONObject
from .models import Model

KeepFile = Callable[[bytes, str], str]
"""Keeps a file, its content and its suffix, and returns its URL."""


def build_arguments(
    model: Model,
    input: Mapping[str, object],
    files: Files,
    folder: Path,
    origin: str,
) -> JSONObject:
    """Return the keyword arguments for a model's function, with its files as paths.

    Args:
        model: The model.
        input: A valid input.
        files: The files of the server.
        folder: Where copies of the files are written.
        origin: Scheme, host and port of the server as the client knows them.

    Raises:
        FileNotFoundError: An uploaded file does not exist.
    """
    arguments = model.arguments(input)
    for name in model.file_inputs():
        value = arguments.get(name)
        if isinstance(value, str):
            arguments[name] = files.fetch_input(value, folder, origin)
        elif isinstance(value, list):
            arguments[name] = [files.fetch_input(item, folder, origin) for item in value]
    return arguments


def serialize_output(value: object, keep_file: KeepFile) -> object:
    """Return the JSON value for what a function returned; a file becomes its URL.

    A number that JSON does not have becomes None, and any other object its text.

    Args:
        value: What the function returned or yielded.
        keep_file: Called with each file in it.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    file = read_file(value)
    if file is not None:
        return keep_file(*file)
    if isinstance(value, Mapping):
        return {str(key): serialize_output(item, keep_file) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [serialize_output(item, keep_file) for item in value]
    return str(value)
