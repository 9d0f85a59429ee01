"""Whether a JSON value is what a JSON schema allows, for the answers of models.

It knows the keywords of JSON Schema that such schemas have; `schema_validation` refuses another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_MAX_DEPTH = 60


def problems(value: object, schema: Schema) -> list[str]:
    """Return all that is wrong with a value, in words; nothing where the schema allows it.

    Args:
        value: What `json.loads` returns.
        schema: A schema that `validate_schema` has accepted.
    """
    return list(_problems(value, schema, schema, "the answer", 0))


def resolve_pointer(reference: object, root: Schema) -> Any:
    """Return what a reference such as "#/$defs/pet" leads to in a schema, or None."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    for key in reference[1:].strip("/").split("/"):
        if key == "":
            continue
        if not isinstance(found, Mapping):
            return None
        found = found.get(key.replace("~1", "/").replace("~0", "~"))
    return found


def _problems(value: Any, schema: Any, root: Schema, path: str, depth: int) -> Iterator[str]:
    if schema is True:
        return
    if schema is False:
        yield f"{path} must not be there"
        return
    if depth > _MAX_DEPTH:
        yield f"{path} is nested too deep"
        return
    for keyword, argument in schema.items():
        check = CHECKS.get(keyword)
        if check is not None:
            yield from check(value, argument, _Place(schema, root, path, depth))


class _Place:
    """Where in a value and its schema a keyword stands."""

    def __init__(self, schema: Schema, root: Schema, path: str, depth: int) -> None:
        self.schema = schema
        self.root = root
        self.path = path
        self.depth = depth

    def problems(self, value: Any, schema: Any, name: object = None) -> Iterator[str]:
        """Yield what is wrong with a value at this place, or with one in it of this name."""
        path = self.path
        if isinstance(name, int):
            path = f"{path}[{name}]"
        elif name is not None:
            path = f"{path}.{name}".removeprefix("the answer.")
        yield from _problems(value, schema, self.root, path, self.depth + 1)

    def allows(self, value: Any, schema: Any) -> bool:
        """Return whether a schema allows the value at this place."""
        return next(self.problems(value, schema), None) is None


def _check_reference(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    yield from place.problems(value, resolve_pointer(argument, place.root))


def _check_type(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    names = argument if isinstance(argument, list) else [argument]
    if not any(_has_type(value, name) for name in names):
        expected = " or ".join(map(str, names))
        yield f"{place.path} must be of the type {expected}, not {_type_name(value)}"


def _has_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES.get(name, ()))


def _type_name(value: Any) -> str:
    return next(name for name in TYPES if _has_type(value, name))


def _equal(value: Any, other: Any) -> bool:
    # In Python True == 1, in JSON it is not.
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _check_enum(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if not any(_equal(value, choice) for choice in argument):
        yield f"{place.path} must be one of {', '.join(map(repr, argument))}, not {value!r}"


def _check_const(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    yield from _check_enum(value, [argument], place)


def _check_properties(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for name, schema in argument.items():
            if name in value:
                yield from place.problems(value[name], schema, name)


def _check_additional(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    known = place.schema.get("properties", {})
    for name, item in value.items():
        if name not in known:
            if argument is False:
                yield f"{place.path} must not have {name!r}"
            else:
                yield from place.problems(item, argument, name)


def _check_required(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, dict):
        for name in argument:
            if name not in value:
                yield f"{place.path} needs {name!r}"


def _check_items(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, list):
        start = len(place.schema.get("prefixItems", ()))
        for position, item in enumerate(value[start:], start):
            yield from place.problems(item, argument, position)


def _check_prefix_items(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, list):
        for position, (item, schema) in enumerate(zip(value, argument, strict=False)):
            yield from place.problems(item, schema, position)


def _check_unique(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if argument and isinstance(value, list):
        for position, item in enumerate(value):
            if any(_equal(item, other) for other in value[:position]):
                yield f"{place.path}[{position}] is there twice"


def _check_any(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if not any(place.allows(value, schema) for schema in argument):
        first = next(place.problems(value, argument[0]), "") if len(argument) == 1 else ""
        yield first or f"{place.path} is none of the {len(argument)} forms that are allowed"


def _check_one(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    count = sum(place.allows(value, schema) for schema in argument)
    if count != 1:
        yield f"{place.path} must be exactly one of {len(argument)} forms, and is {count} of them"


def _check_all(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    for schema in argument:
        yield from place.problems(value, schema)


def _check_not(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if place.allows(value, argument):
        yield f"{place.path} is of a form that is not allowed"


def _check_pattern(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if isinstance(value, str) and not re.search(argument, value):
        yield f"{place.path} must match {argument!r}"


def _check_multiple(value: Any, argument: Any, place: _Place) -> Iterator[str]:
    if _has_type(value, "number") and abs(value / argument - round(value / argument)) > 1e-9:
        yield f"{place.path} must be a multiple of {argument}"


def _bound(
    kind: type | tuple[type, ...],
    measure: Callable[[Any], Any],
    is_within: Callable[[float, float], bool],
    words: str,
) -> Callable[[Any, Any, _Place], Iterator[str]]:
    """Return a check of a number, or of the length of a string or list."""

    def check(value: Any, argument: Any, place: _Place) -> Iterator[str]:
        is_measured = isinstance(value, kind) and not isinstance(value, bool)
        if is_measured and not is_within(measure(value), argument):
            yield f"{place.path} must {words.format(argument)}"

    return check


def _at_least(value: float, bound: float) -> bool:
    return value >= bound


def _at_most(value: float, bound: float) -> bool:
    return value <= bound


def _above(value: float, bound: float) -> bool:
    return value > bound


def _below(value: float, bound: float) -> bool:
    return value < bound


def _itself(value: Any) -> Any:
    return value


_NUMBER = (int, float)
CHECKS: dict[str, Callable[[Any, Any, _Place], Iterator[str]]] = {
    "$ref": _check_reference,
    "type": _check_type,
    "enum": _check_enum,
    "const": _check_const,
    "properties": _check_properties,
    "additionalProperties": _check_additional,
    "required": _check_required,
    "items": _check_items,
    "prefixItems": _check_prefix_items,
    "uniqueItems": _check_unique,
    "anyOf": _check_any,
    "oneOf": _check_one,
    "allOf": _check_all,
    "not": _check_not,
    "pattern": _check_pattern,
    "multipleOf": _check_multiple,
    "minimum": _bound(_NUMBER, _itself, _at_least, "be at least {}"),
    "maximum": _bound(_NUMBER, _itself, _at_most, "be at most {}"),
    "exclusiveMinimum": _bound(_NUMBER, _itself, _above, "be more than {}"),
    "exclusiveMaximum": _bound(_NUMBER, _itself, _below, "be less than {}"),
    "minLength": _bound(str, len, _at_least, "have at least {} characters"),
    "maxLength": _bound(str, len, _at_most, "have at most {} characters"),
    "minItems": _bound(list, len, _at_least, "have at least {} items"),
    "maxItems": _bound(list, len, _at_most, "have at most {} items"),
    "minProperties": _bound(dict, len, _at_least, "have at least {} properties"),
    "maxProperties": _bound(dict, len, _at_most, "have at most {} properties"),
}
