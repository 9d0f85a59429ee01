"""What a model takes, by its schema: each input's name, type, default, choices and range; and what an input gets wrong.

The schema is the `Input` of a version's OpenAPI document: https://replicate.com/docs/reference/openapi
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
_NONE = object()
_COLUMNS = ("name", "type", "default", "range", "description")


def resolved(schema: Any, schemas: Mapping[str, Any], depth: int = 8) -> Mapping[str, Any]:
    """Follow references, and what stands for one schema only, to the schema itself; {} where there is none."""
    if not isinstance(schema, Mapping) or not depth:
        return {}
    if isinstance(name := schema.get("$ref"), str):
        return resolved(schemas.get(name.rpartition("/")[2]), schemas, depth - 1)
    for word in ("allOf", "anyOf", "oneOf"):
        options = schema.get(word)
        meant = [o for o in options if o != {"type": "null"}] if isinstance(options, list) else []
        if len(meant) == 1:
            return {**resolved(meant[0], schemas, depth - 1), **{k: v for k, v in schema.items() if k != word}}
    return schema


class Input(NamedTuple):
    """One input of a model."""

    name: str
    #: "string", "integer", "number", "boolean", "array", "object", "file", or "" where the schema does not say.
    type: str
    required: bool
    default: Any
    choices: Sequence[Any] | None
    minimum: float | None
    maximum: float | None
    description: str

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any], required: bool) -> Input:
        """Read one property of an `Input` schema, references followed."""
        kind, choices = schema.get("type"), schema.get("enum")
        kind = "file" if kind == "string" and schema.get("format") == "uri" else kind
        return cls(
            name,
            kind if isinstance(kind, str) else "",
            required,
            schema.get("default"),
            choices if isinstance(choices, list) else None,
            _number(schema.get("minimum", schema.get("ge"))),
            _number(schema.get("maximum", schema.get("le"))),
            str(schema.get("description") or ""),
        )

    @property
    def range(self) -> str:
        """The choices or the limits, in words."""
        if self.choices is not None:
            return ", ".join(map(str, self.choices))
        low, high = (None if limit is None else f"{limit:g}" for limit in (self.minimum, self.maximum))
        if low is None and high is None:
            return ""
        return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value, or None."""
        if value is None:
            return f"{self.name} is required" if self.required and self.default is None else None
        if self.choices is not None and value not in self.choices:
            return f"{self.name} must be one of {self.range}, not {value!r}"
        kinds = _TYPES.get(self.type)
        if kinds and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            return f"{self.name} must be of type {self.type}, not {type(value).__name__}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.minimum is not None and value < self.minimum:
                return f"{self.name} must be at least {self.minimum:g}, not {value}"
            if self.maximum is not None and value > self.maximum:
                return f"{self.name} must be at most {self.maximum:g}, not {value}"
        return None

    def row(self) -> tuple[str, str, str, str, str]:
        """The input as a row of a table for people."""
        default = "required" if self.required else "" if self.default is None else repr(self.default)
        return self.name, self.type, default, self.range, " ".join(self.description.split())


class Inputs(Mapping[str, Input]):
    """The inputs of a model by name, in the order in which its page shows them; a table where it is printed."""

    def __init__(self, schemas: Mapping[str, Any] | None, root: str = "Input") -> None:
        schemas = schemas or {}
        schema = resolved(schemas.get(root), schemas)
        properties, required = schema.get("properties"), schema.get("required")
        found = properties if isinstance(properties, Mapping) else {}
        names = sorted(found, key=lambda name: _order(found[name]))
        needed = required if isinstance(required, list) else []
        self._inputs = {name: Input.of(name, resolved(found[name], schemas), name in needed) for name in names}
        self._open = bool(schema.get("additionalProperties"))

    def problems(self, given: Mapping[str, Any]) -> list[str]:
        """Say all that is wrong with a model's input; nothing where the schema is not known."""
        if not self._inputs:
            return []
        found = [] if self._open else [self._unknown(name) for name in given if name not in self._inputs]
        checks = (one.problem(given.get(name)) for name, one in self._inputs.items())
        return found + [problem for problem in checks if problem]

    def _unknown(self, name: str) -> str:
        from difflib import get_close_matches  # late, as most inputs are right

        near = get_close_matches(name, self._inputs, n=1)
        return f"there is no input {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")

    def __getitem__(self, name: str) -> Input:
        return self._inputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)

    def __str__(self) -> str:
        rows = [_COLUMNS, *(one.row() for one in self.values())]
        widths = [min(40, max(len(row[i]) for row in rows)) for i in range(len(_COLUMNS) - 1)]
        return "\n".join(
            "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape  # late, as only a notebook needs it

        def line(cells: Sequence[str], tag: str) -> str:
            return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"

        rows = "".join(line(one.row(), "td") for one in self.values())
        return f"<table><thead>{line(_COLUMNS, 'th')}</thead><tbody>{rows}</tbody></table>"


def _order(schema: Any) -> float:
    order = schema.get("x-order") if isinstance(schema, Mapping) else None
    return order if isinstance(order, int | float) else float("inf")


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
