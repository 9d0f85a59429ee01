"""The inputs of a model: names, types, defaults, choices and ranges, and what does not fit them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..exceptions import InvalidInputError
from .json_schema import mapping_at, resolve_reference
from .local_paths import path_expression
from .upload import Upload

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
_NO_FILE = (int, float, list, tuple, dict)
_URL = re.compile(r"data:|(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_COLUMNS = ("name", "type", "default", "range", "description")
_TABLE_WIDTH = 100  # characters, where there is no terminal
_NO_DESCRIPTION = "An enumeration."  # what a library writes where the author of a model has not


class Input(NamedTuple):
    """One input of a model."""

    name: str
    #: "string", "integer", "number", "boolean", "array", "object" or "file"; "" where the schema
    #: does not say.
    type: str
    #: Whether the model cannot run without it.
    required: bool
    #: What the model takes where it is not given.
    default: object
    #: The values to choose from, or None where any value of the type will do.
    choices: Sequence[object] | None
    minimum: float | None
    maximum: float | None
    description: str
    #: The type of a list's items, as above; "" where the schema does not say.
    items: str = ""

    @classmethod
    def parse(cls, name: str, schema: Mapping[str, object], *, required: bool) -> Input:
        """Return the input that a property of an `Input` schema describes.

        Args:
            name: Its name.
            schema: The property, with references resolved.
            required: Whether the model cannot run without it.
        """
        kind = _parse_type(schema)
        items = schema.get("items")
        choices = schema.get("enum")
        if not isinstance(choices, list):
            choices = None
        description = str(schema.get("description") or "")
        if description == _NO_DESCRIPTION:
            description = ""
        return cls(
            name=name,
            type=kind,
            required=required,
            default=schema.get("default"),
            choices=choices,
            minimum=_parse_number(schema.get("minimum", schema.get("ge"))),
            maximum=_parse_number(schema.get("maximum", schema.get("le"))),
            description=description,
            items=_parse_type(items) if isinstance(items, Mapping) else "",
        )

    @property
    def range(self) -> str:
        """The choices or limits in words: "a, b", "1 to 50", "at least 0"; "" if there are none."""
        if self.choices is not None:
            return ", ".join(map(str, self.choices))
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        if self.maximum is not None:
            return f"at most {self.maximum:g}"
        return ""

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, in words, or None."""
        if value is None:
            if self.required and self.default is None:
                return f"{self.name} is required"
            return None
        if self.choices is None or value in self.choices:
            if not self._takes(value):
                return f"{self.name} must be of type {self.type}, not {_type_name(value)}"
            if self.type == "file" and isinstance(value, str) and not _URL.match(value):
                path = path_expression(value)
                return f"{self.name} must be a file or a URL: pass {path}, and not the file's name"
        return self.limit_problem(value)

    def _takes(self, value: object) -> bool:
        """Return whether a value is of the input's type, as JSON has it."""
        if self.type == "file":
            return not isinstance(value, _NO_FILE)
        types = _PYTHON_TYPES.get(self.type)
        if types is None:
            return True
        if isinstance(value, bool):
            return bool in types
        if isinstance(value, Upload):
            return str in types  # it is sent as a URL
        if self.type == "integer" and isinstance(value, float):
            return value.is_integer()
        return isinstance(value, types)

    def limit_problem(self, value: object) -> str | None:
        """Return why a value is none of the choices, or out of range, or None."""
        if self.choices is not None and value not in self.choices:
            return f"{self.name} must be one of {self.range}, not {value!r}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        if self.minimum is not None and value < self.minimum:
            return f"{self.name} must be at least {self.minimum:g}, not {value}"
        if self.maximum is not None and value > self.maximum:
            return f"{self.name} must be at most {self.maximum:g}, not {value}"
        return None

    def row(self) -> tuple[str, str, str, str, str]:
        """Return the input as a row of a table: name, type, default, range, description."""
        default = ""
        if self.required:
            default = "required"
        elif self.default is not None:
            default = repr(self.default)
        return self.name, self.type, default, self.range, " ".join(self.description.split())


class Inputs(Mapping[str, Input]):
    """The inputs of a model by name, in the order of its page. Printed or displayed, a table.

    Args:
        inputs: The inputs, in this order.
        allows_others: Whether the model takes inputs of other names as well.
    """

    def __init__(self, inputs: Mapping[str, Input], *, allows_others: bool = False) -> None:
        self._inputs = dict(inputs)
        self._allows_others = allows_others

    @classmethod
    def parse(cls, schemas: Mapping[str, object] | None) -> Inputs:
        """Return the inputs in a version's `components.schemas`; none where they are not known."""
        schemas = schemas or {}
        schema = resolve_reference(schemas.get("Input"), schemas)
        properties = mapping_at(schema, "properties")
        required = schema.get("required")
        if not isinstance(required, list):
            required = []
        inputs = {}
        for name in sorted(properties, key=lambda name: _page_order(properties[name])):
            resolved = resolve_reference(properties[name], schemas)
            inputs[name] = Input.parse(name, resolved, required=name in required)
        return cls(inputs, allows_others=bool(schema.get("additionalProperties")))

    @classmethod
    def empty(cls) -> Inputs:
        """Return the inputs of a model of which nothing is known."""
        return cls({})

    def validate(self, given: Mapping[str, object], model: object) -> None:
        """Raise what is wrong with a model's input, before it is sent.

        Args:
            given: The input, by name.
            model: The model, as the message names it.

        Raises:
            InvalidInputError: The input does not fit; `fields` has every problem.
        """
        problems = self.problems(given)
        if problems:
            error = InvalidInputError(
                f"The input does not fit {model}: {'; '.join(problems)}. Nothing was sent."
            )
            error.fields = [
                {"type": "client", "field": "input", "description": problem} for problem in problems
            ]
            raise error

    def problems(self, given: Mapping[str, object]) -> list[str]:
        """Return all that is wrong with a model's input, in words; nothing if it is not known.

        Args:
            given: The input, by name.
        """
        problems: list[str] = []
        if not self._inputs:
            return problems
        if not self._allows_others:
            problems += [self._unknown(name) for name in given if name not in self._inputs]
        for name, one in self._inputs.items():
            problem = one.problem(given.get(name))
            if problem:
                problems.append(problem)
        return problems

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches  # late, as most inputs are right

        problem = f"there is no input {name!r}"
        for nearest in get_close_matches(name, self._inputs, n=1):
            problem += f"; did you mean {nearest!r}?"
        return problem

    def __getitem__(self, name: str) -> Input:
        return self._inputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def __str__(self) -> str:
        from ..display.tables import format_table, terminal_width  # late, as most never print it

        rows = [one.row() for one in self.values()]
        return format_table(_COLUMNS, rows, terminal_width() or _TABLE_WIDTH)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = _html_row(_COLUMNS, "th")
        body = "".join(_html_row(one.row(), "td") for one in self.values())
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _type_name(value: object) -> str:
    if isinstance(value, Upload):
        return "file"
    return type(value).__name__


def _page_order(schema: object) -> float:
    """Return the position of an input on its model's page; the last one where it has none."""
    if isinstance(schema, Mapping):
        order = schema.get("x-order")
        if isinstance(order, int | float):
            return order
    return float("inf")


def _parse_type(schema: Mapping[str, object]) -> str:
    kind = schema.get("type")
    if not isinstance(kind, str):
        return ""
    if kind == "string" and schema.get("format") == "uri":
        return "file"
    return kind


def _parse_number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return None


def _html_row(cells: Sequence[str], tag: str) -> str:
    from html import escape  # late, as only a notebook needs it

    columns = [f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells]
    return f"<tr>{''.join(columns)}</tr>"
