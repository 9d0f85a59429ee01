"""Between Cog and the server: schemas from its OpenAPI document, inputs to it, outputs from it."""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import pathlib
import re
import urllib.parse
from collections.abc import Iterable, Mapping

from .. import media_types
from ..job_context import Failed
from ..schemas import Schema

_ANY_INPUT: Schema = {
    "type": "object",
    "title": "Input",
    "properties": {},
    "additionalProperties": True,
}
_DATA_URI = re.compile(r"data:(?P<type>[^;,]*)(?:;[^;,]*)*?(?P<base64>;base64)?,")


class NamedBytes(io.BytesIO):
    """An open file in memory, with a name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def parse_document(document: Schema | None) -> tuple[Schema, Schema]:
    """Return the schemas of a model's input and output, with every reference resolved.

    Args:
        document: The OpenAPI document of a Cog server; without one anything is allowed.
    """
    known = (document or {}).get("components", {}).get("schemas", {})
    if "Input" not in known:
        return dict(_ANY_INPUT), {"title": "Output"}
    input = {"type": "object", "properties": {}} | _resolve_schema(known["Input"], known)
    output = _resolve_schema(known.get("Output", {}), known) | {"title": "Output"}
    return input, output


def _resolve_schema(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in known:
        return _resolve_schema(known[name], known)
    resolved: Schema = {}
    for key, value in schema.items():
        if key != "allOf":
            resolved[key] = _resolve(value, known)
    # In Cog's documents the choices of an input are a schema of their own, in `allOf`.
    for part in schema.get("allOf", ()):
        resolved = _resolve_schema(part, known) | resolved
    return resolved


def _resolve(value: object, known: Mapping[str, Schema]) -> object:
    if isinstance(value, dict):
        return _resolve_schema(value, known)
    if isinstance(value, list):
        return [_resolve(item, known) for item in value]
    return value


def raise_for_urls(input: Mapping[str, object], file_inputs: Iterable[str]) -> None:
    """Raise Failed where a file is still a URL: the server may not fetch it, and Cog would.

    Args:
        input: The arguments of a prediction.
        file_inputs: The names of those that are files.
    """
    for name in file_inputs:
        value = input.get(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                raise Failed(
                    f"{name}: this local server fetches no file from {item[:200]}. Upload it, or "
                    "start the server with its host in file_hosts."
                )


def serialize_input(value: object) -> object:
    """Return an input as Cog accepts it: a file as a `data:` URI.

    Args:
        value: A path, or any JSON value, or a list of them.
    """
    if isinstance(value, list):
        return [serialize_input(item) for item in value]
    if not isinstance(value, pathlib.PurePath):
        return value
    media_type = mimetypes.guess_type(value.name)[0] or "application/octet-stream"
    data = base64.b64encode(pathlib.Path(value).read_bytes()).decode()
    return f"data:{media_type};base64,{data}"


def parse_output(value: object, schema: Schema) -> object:
    """Return an output of Cog as a model of the server returns it: a `data:` URI as an open file.

    Args:
        value: A JSON value.
        schema: Its schema; where that says that a value is only text, it stays text.
    """
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: parse_output(item, properties.get(name, {})) for name, item in value.items()}
    if isinstance(value, list):
        return [parse_output(item, schema.get("items", {})) for item in value]
    if not isinstance(value, str):
        return value
    if schema.get("type") == "string" and schema.get("format") != "uri":
        return value
    return _open_data_uri(value)


def _open_data_uri(value: str) -> NamedBytes | str:
    match = _DATA_URI.match(value)
    if match is None:
        return value
    data = urllib.parse.unquote_to_bytes(value[match.end() :])
    if match["base64"]:
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error:
            return value
    media_type = match["type"].lower()
    suffix = media_types.suffix_of_type(media_type) or mimetypes.guess_extension(media_type)
    return NamedBytes(data, f"output{suffix or ''}")
