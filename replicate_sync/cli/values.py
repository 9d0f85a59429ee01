"""A model's inputs as a person writes them: `name=value`, cells of a table, JSON; read by what the model takes.

`@path` stands for a file where the model takes one, or where nobody knows what it takes; for any other input it stands for
the text in the file. `@-` is stdin, and `@@text` is a text that begins with @.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidInputError
from ..schemas import Inputs

_FILES = ("file", "array", "")
_JSON = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": 'a JSON object such as {"a": 1}',
}


def pairs(given: Iterable[str], inputs: Inputs) -> dict[str, Any]:
    """Read words of the form `name=value`; an input that is a list may be given several times.

    Raises InvalidInputError that names the input.
    """
    texts: dict[str, list[str]] = {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise InvalidInputError(f"An input is written name=value, such as prompt=hello, not {word!r}.")
        texts.setdefault(name, []).append(text)
    return {name: value(name, several, inputs) for name, several in texts.items()}


def value(name: str, texts: list[str], inputs: Inputs) -> Any:
    """Read what was written for one input, once or several times. Raises InvalidInputError."""
    kind = inputs[name].type if name in inputs else ""
    if kind == "array":
        return _list(name, texts)
    if len(texts) > 1:
        raise InvalidInputError(f"{name} is given {len(texts)} times, and takes one value.")
    text = texts[0]
    if text.startswith("@@"):
        return _parsed(name, text[1:], kind)
    if text.startswith("@"):
        return _from_file(name, text[1:], kind)
    return _parsed(name, text, kind)


def document(given: Any, inputs: Inputs) -> dict[str, Any]:
    """Read an input that came as a JSON object: its values are what they are, but for "@path" where the model takes a file.

    Raises InvalidInputError.
    """
    if not isinstance(given, Mapping):
        raise InvalidInputError(f'An input is a JSON object, such as {{"prompt": "hello"}}, not {json.dumps(given)[:40]}.')
    return {
        name: value(name, [item], inputs) if isinstance(item, str) and _takes_file(name, inputs) else item
        for name, item in given.items()
    }


def parsed(text: str, where: str) -> Any:
    """Read JSON. Raises InvalidInputError that says where it is not."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{where} is not JSON: {error}.") from error


def stdin_text() -> str:
    """Read all of stdin as text; bytes that are not UTF-8, as a diff may have them, become U+FFFD."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def file_text(path: str, what: str) -> str:
    """Read a file, or stdin for "-", as text. Raises InvalidInputError where that cannot be, saying `what` it was for."""
    if path == "-":
        return stdin_text()
    try:
        return Path(path).read_text(encoding="utf-8-sig")  # as spreadsheets write it
    except OSError as error:
        raise InvalidInputError(f"{what} cannot be read: {error.strerror} ({path}).") from error
    except ValueError as error:
        raise InvalidInputError(f"{what} is not text in UTF-8 ({path}).") from error


def written(given: Any) -> Any:
    """Give an input as JSON can show it: files as the "@path" that they were given as."""
    if isinstance(given, dict):
        return {name: written(item) for name, item in given.items()}
    if isinstance(given, list):
        return [written(item) for item in given]
    return f"@{given}" if isinstance(given, Path) else given


def _takes_file(name: str, inputs: Inputs) -> bool:
    return name in inputs and inputs[name].type == "file"


def _list(name: str, texts: list[str]) -> list[Any]:
    if len(texts) == 1 and not texts[0].startswith("@"):
        whole = _loose(texts[0])
        return whole if isinstance(whole, list) else [whole]
    return [value(name, [text], Inputs(None)) for text in texts]


def _from_file(name: str, path: str, kind: str) -> Any:
    if path != "-" and not Path(path).is_file():
        raise InvalidInputError(
            f"There is no file {path!r} for {name}; a text that begins with @ is written with two, {name}=@@{path}."
        )
    if kind not in _FILES:
        return _parsed(name, file_text(path, f"The file for {name}"), kind)
    return sys.stdin.buffer.read() if path == "-" else Path(path)


def _parsed(name: str, text: str, kind: str) -> Any:
    if kind == "file" and not text.startswith(("https://", "http://", "data:")):
        raise InvalidInputError(
            f"{name} takes a file: write {name}=@{text} for the file {text!r}, or give its https address."
        )
    if kind in ("string", "file"):
        return text
    if kind not in _JSON:
        return _loose(text)
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidInputError(f"{name} takes {_JSON[kind]}, not {text!r}.") from None


def _loose(text: str) -> Any:
    """Read JSON where it is some, but for strings, which need no quotes here."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(found, str) else found
