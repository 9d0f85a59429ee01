"""Whether a JSON schema is one that the answers of models can be validated against.

One with a keyword that is not known, and that would limit the value, is refused: an answer that is
wrong would pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from ..exceptions import InvalidInputError, excerpt
from .json_validation import CHECKS, TYPES, Schema, resolve_pointer

# Keywords that do not limit the value.
_NOTES = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "default",
        "definitions",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "format",
        "readOnly",
        "title",
        "writeOnly",
        "x-order",
    }
)


def validate_schema(schema: object) -> None:
    """Raise InvalidInputError for what is no JSON schema, or has a keyword that is not known."""
    if not isinstance(schema, Mapping):
        raise InvalidInputError(f"A JSON schema is a dict, not {type(schema).__name__}.")
    for part in _parts(schema):
        for keyword, argument in part.items():
            _validate_keyword(keyword, argument)
        reference = part.get("$ref")
        if reference is not None and not _is_schema(resolve_pointer(reference, schema)):
            raise InvalidInputError(f"There is no {reference!r} in the JSON schema.")


def _validate_keyword(keyword: str, argument: object) -> None:
    if keyword not in _NOTES and keyword not in CHECKS:
        raise InvalidInputError(
            f"Answers cannot be validated against {keyword!r} in a JSON schema.",
            hint=f"The keywords are {', '.join(sorted(CHECKS))}.",
        )
    is_right, words = _ARGUMENTS.get(keyword, (_is_number, "a number"))
    if (keyword in CHECKS or keyword in _ARGUMENTS) and not is_right(argument):
        raise InvalidInputError(
            f"{keyword!r} in the JSON schema must be {words}, not {excerpt(repr(argument))}."
        )


def _parts(schema: object) -> Iterator[Schema]:
    """Yield a schema and all schemas in it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for keyword in ("properties", "$defs", "definitions"):
        inner = schema.get(keyword)
        if isinstance(inner, Mapping):
            for one in inner.values():
                yield from _parts(one)
    for keyword in ("items", "additionalProperties", "not"):
        yield from _parts(schema.get(keyword))
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        inner = schema.get(keyword)
        if isinstance(inner, list):
            for one in inner:
                yield from _parts(one)


def _is_schema(argument: object) -> bool:
    return isinstance(argument, Mapping | bool)


def _are_schemas(argument: object) -> bool:
    return isinstance(argument, list) and bool(argument) and all(map(_is_schema, argument))


def _are_named_schemas(argument: object) -> bool:
    return isinstance(argument, Mapping) and all(map(_is_schema, argument.values()))


def _are_types(argument: object) -> bool:
    names = argument if isinstance(argument, list) else [argument]
    return bool(names) and all(isinstance(name, str) and name in TYPES for name in names)


def _are_names(argument: object) -> bool:
    return isinstance(argument, list) and all(isinstance(name, str) for name in argument)


def _is_pattern(argument: object) -> bool:
    try:
        return isinstance(argument, str) and re.compile(argument) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _is_number(argument: object) -> bool:
    return isinstance(argument, int | float) and not isinstance(argument, bool)


# What the argument of a keyword must be; any other that limits a value has a number.
_ARGUMENTS: dict[str, tuple[Callable[[object], bool], str]] = {
    "$ref": (lambda argument: isinstance(argument, str), "a string"),
    "type": (_are_types, f"one or several of {', '.join(TYPES)}"),
    "enum": (lambda argument: isinstance(argument, list) and bool(argument), "a list of values"),
    "const": (lambda _: True, "a value"),
    "properties": (_are_named_schemas, "a dict of schemas"),
    "$defs": (_are_named_schemas, "a dict of schemas"),
    "definitions": (_are_named_schemas, "a dict of schemas"),
    "additionalProperties": (_is_schema, "a schema"),
    "required": (_are_names, "a list of names"),
    "items": (_is_schema, "a schema"),
    "prefixItems": (_are_schemas, "a list of schemas"),
    "uniqueItems": (lambda argument: isinstance(argument, bool), "true or false"),
    "anyOf": (_are_schemas, "a list of schemas"),
    "oneOf": (_are_schemas, "a list of schemas"),
    "allOf": (_are_schemas, "a list of schemas"),
    "not": (_is_schema, "a schema"),
    "pattern": (_is_pattern, "a regular expression"),
    "multipleOf": (lambda argument: _is_number(argument) and argument != 0, "a number but 0"),
}
