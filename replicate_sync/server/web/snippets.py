"""A prediction as code: the same call in Python, and with curl."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from ..models import Model

_INDENT = "    "


class Snippets(NamedTuple):
    """The same prediction twice.

    Attributes:
        python: For this package.
        curl: For a shell.
    """

    python: str
    curl: str


def write_snippets(model: Model, input: Mapping[str, object], url: str, token: str) -> Snippets:
    """Return the code that runs a model with an input.

    Args:
        model: The model.
        input: The input.
        url: The base URL of the API.
        token: What stands for the token.
    """
    return Snippets(_python(model, input, url, token), _curl(model, input, url, token))


def _python(model: Model, input: Mapping[str, object], url: str, token: str) -> str:
    reference = model.name
    if not model.official:
        reference = f"{model.name}:{model.version}"
    lines = [
        "from replicate_sync import Replicate",
        "",
        f"client = Replicate({_quote(token)}, base_url={_quote(url)})",
    ]
    call = "client.stream" if model.streams else "client.run"
    argument = f"{_INDENT}{_quote(reference)},"
    shown = _python_value(dict(input), 1)
    if model.streams:
        lines.append(f"for text in {call}(\n{argument}\n{_INDENT}{shown},\n):")
        lines.append(f'{_INDENT}print(text, end="", flush=True)')
    else:
        lines.append(f"output = {call}(\n{argument}\n{_INDENT}{shown},\n)")
        lines.append("print(output)")
    return "\n".join(lines)


def _curl(model: Model, input: Mapping[str, object], url: str, token: str) -> str:
    body: dict[str, object] = {"input": dict(input)}
    path = f"models/{model.name}/predictions"
    if not model.official:
        body = {"version": model.version, **body}
        path = "predictions"
    parts = [
        f"curl -s -X POST {shlex.quote(f'{url}/{path}')}",
        f"-H {shlex.quote(f'Authorization: Bearer {token}')}",
        "-H 'Content-Type: application/json'",
        "-H 'Prefer: wait'",
        f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}",
    ]
    return " \\\n  ".join(parts)


def _python_value(value: object, depth: int) -> str:
    """Return the Python literal of a JSON value."""
    inner = _INDENT * (depth + 1)
    outer = _INDENT * depth
    if isinstance(value, dict) and value:
        items = [
            f"{inner}{_quote(key)}: {_python_value(item, depth + 1)},"
            for key, item in value.items()
        ]
        return "\n".join(["{", *items, f"{outer}}}"])
    if isinstance(value, list) and len(repr(value)) > 70:
        items = [f"{inner}{_python_value(item, depth + 1)}," for item in value]
        return "\n".join(["[", *items, f"{outer}]"])
    if isinstance(value, list):
        return f"[{', '.join(_python_value(item, depth) for item in value)}]"
    if isinstance(value, str):
        return _quote(value)
    return repr(value)


def _quote(text: str) -> str:
    # What JSON escapes, Python reads as well.
    return json.dumps(text, ensure_ascii=not text.isprintable())
