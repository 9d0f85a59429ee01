"""Schemas as Python types: what an input takes, and what an output is.

These are the annotations of `Replicate.use` and of the stubs that `replicate-sync models stub`
writes, and what `expect=` is compared with.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from types import GenericAlias, UnionType
from typing import Any, Literal, cast, get_args, get_origin

from ..exceptions import InvalidInputError
from .file_output import FileOutput
from .input_schema import Input
from .schemas import OutputSchema

_SCALARS: dict[str, object] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
}
_NOT_IN_A_NAME = re.compile(r"\W+", re.ASCII)


def parameter_name(name: str, taken: Collection[str] = ()) -> str:
    """Return a name as a Python identifier: "image-1" is image_1, "class" is class_.

    Args:
        name: The name that a model has for an input.
        taken: The identifiers that it must differ from.
    """
    identifier = _NOT_IN_A_NAME.sub("_", name)
    if not identifier or identifier[0].isdigit():
        identifier = f"_{identifier}"
    while keyword.iskeyword(identifier) or identifier in taken:
        identifier += "_"
    return identifier


def parameter_names(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return the names of inputs by the parameters that stand for them.

    Args:
        names: The names, in the order of the parameters.
        taken: The identifiers that no parameter may be.
    """
    names = list(names)
    parameters: dict[str, str] = {}
    # Those that are parameters as they are keep their names.
    for name in sorted(names, key=lambda name: parameter_name(name, taken) != name):
        parameters[name] = parameter_name(name, {*taken, *parameters.values()})
    return {parameters[name]: name for name in names}


def literal_choices(one: Input) -> list[str | int]:
    """Return the choices of an input as a Literal can have them; none where it cannot."""
    choices = [choice for choice in one.choices or () if choice is not None]
    if all(isinstance(choice, str | int) for choice in choices):
        return list(dict.fromkeys(cast("list[str | int]", choices)))
    return []


def input_type(one: Input) -> Any:
    """Return the Python type of an input; Any where the schema does not say."""
    choices = literal_choices(one)
    if choices:
        return Literal[tuple(choices)]
    return _SCALARS.get(one.type, Any)


def output_type(schema: OutputSchema) -> Any:
    """Return the Python type of what `run` returns; Any where the schema does not say."""
    if schema.type == "array":
        if schema.is_text:
            return str
        item = output_type(schema.items)
        return list if item is Any else GenericAlias(list, item)
    if schema.type == "string" and schema.is_file:
        return FileOutput
    if schema.type == "object":
        return GenericAlias(dict, (str, Any))
    return _SCALARS.get(schema.type, Any)


def validate_expected(expected: object) -> None:
    """Raise unless a type can be expected of an output, before anything is sent.

    Args:
        expected: A class, or a list or dict of them, such as `list[FileOutput]`.

    Raises:
        InvalidInputError: It is not such a type.
    """
    origin = get_origin(expected)
    if origin in (list, dict):
        is_type = all(map(_is_expectable, get_args(expected)))
    else:
        # On Python 3.10, tuple[int] is an instance of type.
        is_type = isinstance(expected, UnionType) or (origin is None and isinstance(expected, type))
    if not is_type:
        raise InvalidInputError(
            "expect= takes the type of the result, such as str, FileOutput or list[FileOutput], "
            f"not {expected!r}."
        )


def type_name(kind: Any) -> str:
    """Return a type as it is written: "str", "list[FileOutput]"."""
    arguments = ", ".join(map(type_name, get_args(kind)))
    if isinstance(kind, UnionType):
        return arguments.replace(", ", " | ")
    name = str(getattr(get_origin(kind) or kind, "__name__", kind))
    return f"{name}[{arguments}]" if arguments else name


def is_instance(value: object, expected: Any) -> bool:
    """Return whether a result is of a type, which may be a list or dict of others."""
    if expected is Any:
        return True
    origin = get_origin(expected)
    arguments = get_args(expected)
    if isinstance(expected, UnionType):
        return any(is_instance(value, one) for one in arguments)
    if origin is list:
        return isinstance(value, list) and all(is_instance(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            is_instance(item, arguments[1]) for item in value.values()
        )
    if expected is float and isinstance(value, int):
        return not isinstance(value, bool)
    if isinstance(value, bool):
        return expected in (bool, object)
    return isinstance(value, expected)


def contradicts(schema: OutputSchema, expected: Any) -> bool:
    """Return whether an output of a schema can never be of the expected type."""
    known = output_type(schema)
    if known is Any or expected in (Any, object) or isinstance(expected, UnionType):
        return False
    known_class = get_origin(known) or known
    expected_class = get_origin(expected) or expected
    if known_class is not expected_class:
        return not (expected_class is float and known_class is int)
    item, *_ = (*get_args(expected), Any)
    return known_class is list and bool(get_args(known)) and contradicts(schema.items, item)


def _is_expectable(expected: object) -> bool:
    if expected is Any:
        return True
    try:
        validate_expected(expected)
    except InvalidInputError:
        return False
    return True
