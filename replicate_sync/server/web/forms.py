"""From the schema of a model's input to the fields of a form, and from a form to an input."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..json_types import JSONObject
from ..schemas import Schema
from ..validation import Problem

Kind = Literal["text", "long", "secret", "number", "choice", "flag", "file", "files", "json"]

_LONG_NAMES = ("prompt", "text", "message", "instruction", "script", "template")


class Choice(NamedTuple):
    """One of the values that a field may have.

    Attributes:
        text: What the form sends and shows.
        selected: Whether it is selected at first.
    """

    text: str
    selected: bool


class SentFile(NamedTuple):
    """A file that was sent with a form.

    Attributes:
        data: Its content.
        name: Its file name.
        type: Its media type.
    """

    data: bytes
    name: str
    type: str


KeepUpload = Callable[[SentFile], str]
"""Keeps a file, and returns its URL."""


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Attributes:
        name: The name of the input.
        title: What it is called.
        kind: How it is filled in.
        description: What it means, "" where the model does not say.
        required: Whether it must be filled in.
        value: The text that is in it at first.
        choices: The values to choose from, for a choice.
        minimum: The smallest number, or None.
        maximum: The largest number, or None.
        step: The step between numbers: "1" or "any".
        schema: The schema of the input.
    """

    name: str
    title: str
    kind: Kind
    description: str
    required: bool
    value: str
    choices: tuple[Choice, ...]
    minimum: float | None
    maximum: float | None
    step: str
    schema: Schema

    @property
    def ranged(self) -> bool:
        """Whether it is a number between two limits."""
        return self.kind == "number" and self.minimum is not None and self.maximum is not None

    @property
    def hint(self) -> str:
        """The limits of a number, or what a field of JSON is to hold."""
        if self.kind == "json":
            return "as JSON"
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        if self.maximum is not None:
            return f"at most {self.maximum:g}"
        return ""


def form_fields(input: Schema, values: Mapping[str, object] | None = None) -> list[Field]:
    """Return the fields of a form for an input, in the order of the model.

    Args:
        input: The schema of the input, an object.
        values: What is filled in at first; the defaults, where it is None.
    """
    properties = sorted(
        input["properties"].items(), key=lambda item: item[1].get("x-order", len(item))
    )
    required = input.get("required", ())
    return [_field(name, prop, name in required, values) for name, prop in properties]


def parse_form(
    fields: Sequence[Field],
    form: Mapping[str, str],
    files: Mapping[str, Sequence[SentFile]],
    keep: KeepUpload,
) -> tuple[JSONObject, list[Problem]]:
    """Return the input that a form was filled in with, and what is wrong with it.

    A field that was left as it is empty is not given.

    Args:
        fields: The fields of the form.
        form: What was sent, by the names of the inputs.
        files: The files that were sent, by the same names.
        keep: Called with each file.
    """
    input: JSONObject = {}
    problems: list[Problem] = []
    for field in fields:
        if field.kind == "flag":
            input[field.name] = field.name in form
            continue
        urls = [keep(file) for file in files.get(field.name, ())]
        text = form.get(field.name, "")
        try:
            if urls or text or _is_given(field):
                input[field.name] = _value(field, text, urls)
        except ValueError as error:
            problems.append(Problem("invalid_type", f"input.{field.name}", str(error)))
    return input, problems


def _is_given(field: Field) -> bool:
    """Return whether an empty field is an empty text, and not a value that is left out."""
    default = field.schema.get("default")
    return field.kind in ("text", "long") and (field.required or bool(default))


def _value(field: Field, text: str, urls: list[str]) -> object:
    if field.kind == "files":
        return urls + text.split()
    if field.kind == "file":
        return (urls or [text.strip()])[0]
    if field.kind == "number":
        return _number(text, field.step)
    if field.kind == "choice":
        return next(
            (value for value in field.schema["enum"] if _text(value) == text),
            text,
        )
    if field.kind == "json":
        return _json(text, field.schema)
    return text.replace("\r\n", "\n")


def _number(text: str, step: str) -> int | float:
    try:
        if step == "1":
            return int(text)
        return float(text)
    except ValueError:
        kind = "a whole number" if step == "1" else "a number"
        raise ValueError(f"Must be {kind}, not {text[:50]!r}") from None


def _json(text: str, schema: Schema) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "type" not in schema:  # anything is allowed, so a text is too
            return text
        raise ValueError(f"Must be JSON: {error}") from None
    return value


def _field(name: str, prop: Schema, required: bool, values: Mapping[str, object] | None) -> Field:
    value = prop.get("default")
    if values is not None and name in values:
        value = values[name]
    kind = _kind(name, prop)
    choices: tuple[Choice, ...] = ()
    if kind == "choice":
        choices = _choices(prop, value, required)
    return Field(
        name=name,
        title=str(prop.get("title") or name),
        kind=kind,
        description=str(prop.get("description") or ""),
        required=required,
        value="" if kind == "secret" else _text(value, kind),
        choices=choices,
        minimum=prop.get("minimum"),
        maximum=prop.get("maximum"),
        step="1" if prop.get("type") == "integer" else "any",
        schema=prop,
    )


def _kind(name: str, prop: Schema) -> Kind:
    if "enum" in prop:
        return "choice"
    simple: dict[object, Kind] = {"boolean": "flag", "integer": "number", "number": "number"}
    kind = simple.get(prop.get("type"))
    if kind is not None:
        return kind
    if prop.get("type") == "array" and prop.get("items", {}).get("format") == "uri":
        return "files"
    if prop.get("type") != "string":
        return "json"
    formats: dict[object, Kind] = {"uri": "file", "password": "secret"}
    kind = formats.get(prop.get("format"))
    if kind is not None:
        return kind
    default = str(prop.get("default") or "")
    if any(part in name.lower() for part in _LONG_NAMES) or "\n" in default or len(default) > 60:
        return "long"
    return "text"


def _choices(prop: Schema, value: object, required: bool) -> tuple[Choice, ...]:
    choices = [Choice(_text(one), one == value) for one in prop["enum"]]
    if value is None and not required:
        choices.insert(0, Choice("", True))
    return tuple(choices)


def _text(value: object, kind: Kind = "text") -> str:
    if value is None:
        return ""
    if kind == "files" and isinstance(value, list):
        return "\n".join(map(str, value))
    if isinstance(value, str) and kind != "json":
        return value
    return json.dumps(value, ensure_ascii=False)
