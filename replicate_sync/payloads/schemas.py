"""What a model takes and returns, as its schema says.

The schema is the `components.schemas` of a version's OpenAPI document: its `Input` lists the inputs
with their types, defaults, choices and ranges, its `Output` describes the output.
See https://replicate.com/docs/reference/openapi
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from .json_schema import mapping_at, resolve_reference

if TYPE_CHECKING:
    from .input_schema import Inputs

_DESCRIPTIONS = {
    "object": "an object, as JSON",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


class ModelSchema:
    """The schema of one version of a model. Its parts are parsed when they are first needed.

    Args:
        raw: The version's `components.schemas`, or None if they are not known.
    """

    def __init__(self, raw: Mapping[str, object] | None) -> None:
        #: What it was parsed from.
        self.raw = raw

    @classmethod
    def parse(cls, schemas: Mapping[str, object] | None) -> ModelSchema:
        """Return the schema in a version's `components.schemas`; None stands for an unknown one."""
        return cls(schemas)

    @classmethod
    def unknown(cls) -> ModelSchema:
        """Return the schema that says nothing, always the same one."""
        return UNKNOWN_SCHEMA

    @cached_property
    def inputs(self) -> Inputs:
        """What the model takes; empty where that is not known."""
        from .input_schema import Inputs  # late, as most programs ask for no schema

        return Inputs.parse(self.raw)

    @cached_property
    def text_inputs(self) -> frozenset[str]:
        """The names of the inputs that take a text, and no file."""
        if self.raw is None:
            return frozenset()
        return frozenset(name for name, one in self.inputs.items() if one.type == "string")

    @cached_property
    def output(self) -> OutputSchema:
        """What the model returns."""
        schemas = self.raw or {}
        return OutputSchema(schemas.get("Output"), schemas)

    @property
    def output_description(self) -> str:
        """What the model returns, in words: "a file", "a list of texts"."""
        output = self.output
        if output.type == "array":
            if output.is_text:
                return "a text, piece by piece"
            if output.items.type == "string":
                if output.items.is_file:
                    return "a list of files"
                return "a list of texts"
            return "a list, as JSON"
        if output.type == "string":
            if output.is_file:
                return "a file"
            return "a text"
        return _DESCRIPTIONS.get(output.type, "a value of an unknown kind")


class OutputSchema:
    """What a schema says of an output, or of a value in one.

    Args:
        schema: The schema, or a reference to it; anything else says nothing.
        schemas: The `components.schemas` that it may refer to.
    """

    def __init__(self, schema: object, schemas: Mapping[str, object]) -> None:
        resolved = resolve_reference(schema, schemas)
        #: The JSON type, such as "string" or "array"; "" where the schema does not say.
        self.type: str = str(resolved.get("type") or "")
        #: Whether a string is the URL of a file.
        self.is_file: bool = resolved.get("format") == "uri"
        #: Whether a list is one text in pieces.
        self.is_text: bool = resolved.get("x-cog-array-display") == "concatenate"
        #: Whether nothing is said of the value.
        self.is_unknown: bool = not self.type and not self.is_file
        self._raw_items = resolved.get("items")
        self._raw_properties = mapping_at(resolved, "properties")
        self._raw_others = resolved.get("additionalProperties")
        self._properties: dict[str, OutputSchema] = {}
        self._schemas = schemas

    @cached_property
    def items(self) -> OutputSchema:
        """The schema of a list's items."""
        if not self._raw_items:
            return _ANYTHING
        return OutputSchema(self._raw_items, self._schemas)

    def property(self, name: str) -> OutputSchema:
        """Return the schema of one of an object's values."""
        if name not in self._raw_properties:
            return self._others
        if name not in self._properties:
            self._properties[name] = OutputSchema(self._raw_properties[name], self._schemas)
        return self._properties[name]

    @cached_property
    def _others(self) -> OutputSchema:
        """The schema of the values that have none of their own."""
        if isinstance(self._raw_others, Mapping) and self._raw_others:
            return OutputSchema(self._raw_others, self._schemas)
        if self._raw_properties:
            return _NO_FILES
        return _ANYTHING


class _NoFiles(OutputSchema):
    """The schema of a value that is no file, and has none in it."""

    def __init__(self) -> None:
        super().__init__({"type": "unspecified"}, {})

    @property
    def items(self) -> OutputSchema:
        """The schema of a list's items: this one."""
        return self

    def property(self, name: str) -> OutputSchema:
        """Return the schema of one of an object's values: this one."""
        return self


def schemas_of_version(version: object) -> Mapping[str, object] | None:
    """Return the `components.schemas` of a version, as the API describes it.

    Args:
        version: The API's JSON for a version.

    Returns:
        The schemas by name, or None where the API does not return them.
    """
    value = version
    for key in ("openapi_schema", "components", "schemas"):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    if not isinstance(value, Mapping):
        return None
    return value


def latest_version_of_model(model: object) -> Mapping[str, object] | None:
    """Return the latest version of a model, as the API describes it.

    Args:
        model: The API's JSON for a model.

    Returns:
        The API's JSON for the version, which has an id, or None where the model has no version.
    """
    if not isinstance(model, Mapping):
        return None
    version = model.get("latest_version")
    if not isinstance(version, Mapping) or not isinstance(version.get("id"), str):
        return None
    return version


_ANYTHING = OutputSchema(None, {})
_NO_FILES = _NoFiles()
#: The schema that says nothing.
UNKNOWN_SCHEMA = ModelSchema(None)
