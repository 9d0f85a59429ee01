"""From the OpenAPI document of a Cog server to the schemas of a model here, and from its values to the model's."""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import pathlib
import re
import urllib.parse
from typing import Any

from ..files import TYPES
from ..schemas import Schema

ANYTHING: Schema = {"type": "object", "title": "Input", "properties": {}, "additionalProperties": True}
_DATA = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*?(?P<base64>;base64)?,")


def of_document(document: Schema | None) -> tuple[Schema, Schema]:
    """Give the schemas of input and output, with every reference resolved; without a document, those of anything."""
    known = (document or {}).get("components", {}).get("schemas", {})
    if "Input" not in known:
        return dict(ANYTHING), {"title": "Output"}
    given = {"type": "object", "properties": {}} | _resolved(known["Input"], known)
    return given, _resolved(known.get("Output", {}), known) | {"title": "Output"}


def _resolved(value: Any, known: Schema) -> Any:
    if isinstance(value, list):
        return [_resolved(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    name = str(value.get("$ref", "")).rpartition("/")[2]
    if name in known:
        return _resolved(known[name], known)
    rest = {key: _resolved(one, known) for key, one in value.items() if key != "allOf"}
    # Cog writes a choice as a schema of its own, and what else there is to say of the input beside it.
    for one in value.get("allOf", ()):
        rest = _resolved(one, known) | rest
    return rest


def sent(value: Any) -> Any:
    """Give an input as Cog takes it: a file as a `data:` URI."""
    if isinstance(value, pathlib.PurePath):
        media = mimetypes.guess_type(value.name)[0] or "application/octet-stream"
        return f"data:{media};base64,{base64.b64encode(pathlib.Path(value).read_bytes()).decode()}"
    return [sent(one) for one in value] if isinstance(value, list) else value


def received(value: Any, schema: Schema) -> Any:
    """Give an output of Cog as a model here gives it: a `data:` URI as an open file.

    A text stays one where the schema says that it is no more than a text.
    """
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: received(one, properties.get(name, {})) for name, one in value.items()}
    if isinstance(value, list):
        return [received(one, schema.get("items", {})) for one in value]
    if isinstance(value, str) and (schema.get("format") == "uri" or schema.get("type") != "string"):
        return _opened(value)
    return value


class _File(io.BytesIO):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _opened(value: str) -> Any:
    found = _DATA.match(value)
    if found is None:
        return value
    body = urllib.parse.unquote_to_bytes(value[found.end() :])
    try:
        data = base64.b64decode(body, validate=True) if found["base64"] else body
    except binascii.Error:
        return value
    kind = found["type"].lower()
    suffix = next((suffix for suffix, known in TYPES.items() if known == kind), mimetypes.guess_extension(kind))
    return _File(data, f"output{suffix or ''}")
