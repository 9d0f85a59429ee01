"""From a prediction's input to the arguments of a function, and from its result to JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from .files import read_file
from .input_files import InputFiles
from .json_types import JSONObject
from .models import Model

_MAX_DEPTH = 200  # of lists and dicts, as the serializers call themselves for each level

KeepFile = Callable[[bytes, str], str]
"""Keeps a file, its content and its suffix, and returns its URL."""


def build_arguments(
    model: Model,
    input: Mapping[str, object],
    input_files: InputFiles,
    folder: str,
    origin: str,
) -> JSONObject:
    """Return the keyword arguments for a model's function, with its files as paths.

    Args:
        model: The model.
        input: A valid input.
        input_files: Where its files come from.
        folder: Where copies of the files are written.
        origin: Scheme, host and port of the server as the client knows them.

    Raises:
        Failed: A file cannot be fetched, or may not be.
    """
    arguments = model.arguments(input)
    for name in model.file_inputs():
        value = arguments.get(name)
        if isinstance(value, str):
            arguments[name] = input_files.save(value, folder, origin)
        elif isinstance(value, list):
            arguments[name] = [input_files.save(item, folder, origin) for item in value]
    return arguments


def serialize_output(value: object, keep_file: KeepFile, depth: int = _MAX_DEPTH) -> object:
    """Return the JSON value for what a function returned; a file becomes its URL.

    A number that JSON does not have becomes None, and any other object its text.

    Args:
        value: What the function returned or yielded.
        keep_file: Called with each file in it.
        depth: How many levels of lists and dicts it may have.

    Raises:
        ValueError: It has more levels.
    """
    if depth < 0:
        raise ValueError(f"The output is nested more than {_MAX_DEPTH} levels deep.")
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    file = read_file(value)
    if file is not None:
        return keep_file(*file)
    if isinstance(value, Mapping):
        return {
            str(key): serialize_output(item, keep_file, depth - 1) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [serialize_output(item, keep_file, depth - 1) for item in value]
    return str(value)


def size_of(value: object) -> int:
    """Return about how many bytes of text a JSON value has."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(key) + size_of(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(size_of, value))
    return 8
