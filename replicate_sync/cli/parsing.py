"""A model's inputs as a person writes them: `name=value`, cells of a table, JSON.

A text is parsed as the model takes it. `@path` is the file itself where the model takes a file, or
where it is not known what it takes; for any other input it is the text in the file. `@-` is stdin,
and `@@text` is a text that begins with @. An example, for a model with the inputs `prompt` (a
string), `n` (an integer) and `image` (a file):

    prompt=5            {"prompt": "5"}
    n=5                 {"n": 5}
    prompt=@hello.txt   {"prompt": "what is written in hello.txt"}
    image=@cat.png      {"image": Path("cat.png")}
    prompt=@@alice      {"prompt": "@alice"}
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..client import Replicate
from ..exceptions import InvalidInputError, UnknownModelError
from ..payloads.input_schema import Inputs
from ..payloads.inputs import TEXT_NAME
from ..payloads.local_paths import is_name_of_file

_UNKNOWN = ""
_FILE_TYPES = ("file", "array", _UNKNOWN)
_JSON_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": 'a JSON object such as {"a": 1}',
}
_URL_PREFIXES = ("https://", "http://", "data:")
_QUOTED_LENGTH = 40  # characters of a wrong JSON value that a message quotes


def known_inputs(client: Replicate, model: str) -> Inputs:
    """Return what a model takes; nothing where the API has no such model, as its create says so.

    Args:
        client: The client.
        model: The model.
    """
    try:
        return client.models.inputs(model)
    except UnknownModelError:
        return Inputs({})


def parse_pairs(pairs: Iterable[str], inputs: Inputs) -> dict[str, object]:
    """Return the inputs that words of the form `name=value` give.

    Args:
        pairs: The words. An input that is a list may be given several times.
        inputs: What the model takes.

    Raises:
        InvalidInputError: A word is wrong; the message names the input.
    """
    texts: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals_sign, text = pair.partition("=")
        if not equals_sign or not name:
            raise InvalidInputError(
                f"An input is written name=value, such as prompt=hello, not {pair!r}."
            )
        texts.setdefault(name, []).append(text)
    return {name: parse_value(name, several, inputs) for name, several in texts.items()}


def parse_value(name: str, texts: list[str], inputs: Inputs) -> object:
    """Return the value of one input.

    Args:
        name: The name of the input.
        texts: What was written for it, once or several times.
        inputs: What the model takes.

    Raises:
        InvalidInputError: It cannot be parsed, or is given too often.
    """
    kind = _type_of(name, inputs)
    if kind == "array":
        return _parse_list(name, texts)
    if len(texts) > 1:
        raise InvalidInputError(f"{name} is given {len(texts)} times, and takes one value.")
    return _parse_one(name, texts[0], kind)


def parse_object(value: object, inputs: Inputs) -> dict[str, object]:
    """Return the inputs that a JSON object gives.

    Its values are what they are, except that "@path" is a file where the model takes one.

    Args:
        value: The value, parsed from JSON.
        inputs: What the model takes.

    Raises:
        InvalidInputError: It is not an object, or a file does not exist.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            'An input is a JSON object, such as {"prompt": "hello"}, '
            f"not {json.dumps(value)[:_QUOTED_LENGTH]}."
        )
    parsed = dict(value)
    for name, item in value.items():
        if isinstance(item, str) and _type_of(name, inputs) == "file":
            parsed[name] = _parse_one(name, item, "file")
    return parsed


def parse_json(text: str, where: str) -> object:
    """Return the value of a JSON text.

    Args:
        text: The text.
        where: What the message calls it.

    Raises:
        InvalidInputError: It is not JSON.
    """
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{where} is not JSON: {error}.") from error
    return value


def read_stdin() -> str:
    """Return stdin as text; bytes that are not UTF-8, as a diff may have them, become U+FFFD."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def read_text(path: str, purpose: str) -> str:
    """Return the text in a file, or in stdin for "-".

    Args:
        path: The path.
        purpose: What the message calls the file.

    Raises:
        InvalidInputError: It cannot be read, or is not UTF-8.
    """
    if path == "-":
        return read_stdin()
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # as spreadsheets write it
    except OSError as error:
        raise InvalidInputError(f"{purpose} cannot be read: {error.strerror} ({path}).") from error
    except ValueError as error:
        raise InvalidInputError(f"{purpose} is not text in UTF-8 ({path}).") from error


def displayable(value: object) -> object:
    """Return an input as JSON can show it: files as the "@path" that they were given as."""
    if isinstance(value, dict):
        return {name: displayable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [displayable(item) for item in value]
    if isinstance(value, Path):
        return f"@{value}"
    return value


def _type_of(name: str, inputs: Inputs) -> str:
    if name in inputs:
        return inputs[name].type
    return _UNKNOWN


def _parse_one(name: str, text: str, kind: str) -> object:
    if text.startswith("@@"):
        return _parse_text(name, text[1:], kind)
    if text.startswith("@"):
        return _parse_file(name, text[1:], kind)
    return _parse_text(name, text, kind)


def _parse_list(name: str, texts: list[str]) -> list[object]:
    if len(texts) == 1 and not texts[0].startswith("@"):
        value = _parse_loosely(texts[0])
        if isinstance(value, list):
            return value
        return [value]
    return [_parse_one(name, text, _UNKNOWN) for text in texts]


def _parse_file(name: str, path: str, kind: str) -> object:
    if path != "-" and not Path(path).is_file():
        raise InvalidInputError(
            f"There is no file {path!r} for {name}; a text that begins with @ is written with two, "
            f"{name}=@@{path}."
        )
    if kind not in _FILE_TYPES:
        return _parse_text(name, read_text(path, f"The file for {name}"), kind)
    if path == "-":
        return sys.stdin.buffer.read()
    return Path(path)


def _parse_text(name: str, text: str, kind: str) -> object:
    is_path = kind == _UNKNOWN and not re.search(TEXT_NAME, name) and is_name_of_file(text)
    if is_path or (kind == "file" and not text.startswith(_URL_PREFIXES)):
        raise InvalidInputError(
            f"{name} takes a file: write {name}=@{text} for the file {text!r}, or give its https "
            "URL."
        )
    if kind in ("string", "file"):
        return text
    if kind not in _JSON_TYPES:
        return _parse_loosely(text)
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{name} takes {_JSON_TYPES[kind]}, not {text!r}.") from None
    return value


def _parse_loosely(text: str) -> object:
    """Return the value of a JSON text; any other text, and a JSON string, is text as it stands."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, str):
        return text
    return value
