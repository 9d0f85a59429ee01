"""A JSON value is compared with a schema, and a schema that cannot be is refused beforehand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.json_validation import problems
from replicate_sync.payloads.schema_validation import validate_schema

TREE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {"of": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string"}, ["", "a"], [1, None, True, []]),
        ({"type": "integer"}, [1, 1.0, -3], [1.5, True, "1"]),
        ({"type": "number"}, [1, 1.5], [False, "1"]),
        ({"type": ["string", "null"]}, ["a", None], [1]),
        ({"enum": [1, "a", None]}, [1, "a", None], [True, "b"]),
        ({"const": 1}, [1], [True, 2]),
        ({"minimum": 1, "maximum": 3}, [1, 3, "x"], [0, 4]),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2], [1, 3]),
        ({"multipleOf": 0.1}, [0.3, 1], [0.35]),
        ({"maximum": 10**400}, [10**399], [10**401]),
        ({"minLength": 2, "maxLength": 3, "pattern": "^a"}, ["ab", "abc"], ["a", "abcd", "bc"]),
        ({"minItems": 1, "maxItems": 2, "uniqueItems": True}, [[1, 2], [1, True]], [[], [1, 1]]),
        ({"items": {"type": "string"}}, [[], ["a"], "x"], [[1], ["a", 1]]),
        (
            {"prefixItems": [{"type": "string"}], "items": False},
            [["a"]],
            [[1], ["a", 1]],
        ),
        (
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            [{"a": "x"}, {"a": "x", "b": 1}],
            [{}, {"a": 1}],
        ),
        ({"properties": {"a": True}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
        ({"additionalProperties": {"type": "integer"}}, [{"b": 1}], [{"b": "x"}]),
        ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 2}]),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, ["a", 3], [2]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, [1, 3.5], [4]),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, [4], [1, 3.5]),
        ({"not": {"type": "string"}}, [1], ["a"]),
        (TREE, [{}, {"of": [{"of": []}]}], [{"of": [{"of": 5}]}, {"x": 1}]),
    ],
)
def test_a_schema_allows_some_values_and_not_others(
    schema: dict[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    validate_schema(schema)
    assert [value for value in right if problems(value, schema)] == []
    assert [value for value in wrong if not problems(value, schema)] == []


def test_problems_say_where_they_are() -> None:
    schema = {
        "properties": {"tags": {"items": {"type": "string"}}},
        "required": ["name"],
        "additionalProperties": False,
    }
    assert problems({"tags": ["a", 5], "x": 1}, schema) == [
        "tags[1] must be of the type string, not integer",
        "the answer needs 'name'",
        "the answer must not have 'x'",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        5,
        {"patternProperties": {}},
        {"properties": {"a": {"if": {}}}},
        {"items": {"$ref": "#/$defs/missing"}},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/title", "title": "a"},
        {"type": "text"},
        {"type": []},
        {"enum": []},
        {"properties": 5},
        {"properties": {"a": "string"}},
        {"items": [{"type": "string"}]},
        {"anyOf": []},
        {"required": "name"},
        {"pattern": "("},
        {"minimum": "1"},
        {"exclusiveMinimum": True},
        {"multipleOf": 0},
    ],
)
def test_a_schema_that_cannot_be_validated_against_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidInputError):
        validate_schema(schema)


def test_a_schema_that_refers_to_itself_alone_ends() -> None:
    schema = {"$ref": "#"}
    validate_schema(schema)
    assert problems(1, schema) == ["the answer is nested too deep"]


@pytest.mark.slow
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_value_is_allowed_where_nothing_is_said(value: Any) -> None:
    assert problems(value, {}) == []
