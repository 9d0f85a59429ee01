"""Each problem of a JSON value is found, in the words of Replicate's validator."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.server.validation import Problem, validate

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, {}),
        (None, {}),
        (None, {"type": "string", "nullable": True}),
        (None, {"enum": ["a"], "nullable": True}),
        ("a", {"type": "string", "enum": ["a"]}),
        (2, {"type": "number"}),
        (2.0, {"type": "integer"}),
        (2.5, {"type": "number", "minimum": 2.5, "maximum": 2.5}),
        (True, {"type": "boolean", "maximum": 0}),
        ([], {"type": "array", "items": TEXT}),
        (["a", "b"], {"type": "array", "items": TEXT}),
        ([1, "b"], {"type": "array", "items": {}}),
        ({"x": 1}, {"type": "object"}),
        ({"x": 1}, {"properties": {"x": {"type": "integer"}}}),
        ({}, {"properties": {"x": TEXT}}),
        ({"y": 1}, {"properties": {}, "additionalProperties": True}),
        ("data:,a", {"type": "string", "format": "uri"}),
        ("x", {"type": "string", "format": "password"}),
    ],
)
def test_what_a_schema_allows_has_no_problems(value: object, schema: dict[str, Any]) -> None:
    assert validate(value, schema) == []


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        (None, TEXT, ("invalid_type", "f", "Invalid type. Expected: string, given: null")),
        (None, {"enum": ["a"]}, ("enum", "f", 'f must be one of the following: "a"')),
        (1, TEXT, ("invalid_type", "f", "Invalid type. Expected: string, given: integer")),
        (
            True,
            {"type": "integer"},
            ("invalid_type", "f", "Invalid type. Expected: integer, given: boolean"),
        ),
        (
            1.5,
            {"type": "integer"},
            ("invalid_type", "f", "Invalid type. Expected: integer, given: number"),
        ),
        (
            float("inf"),
            {"type": "integer"},
            ("invalid_type", "f", "Invalid type. Expected: integer, given: number"),
        ),
        (
            {},
            {"type": "array"},
            ("invalid_type", "f", "Invalid type. Expected: array, given: object"),
        ),
        (
            [],
            {"type": "object"},
            ("invalid_type", "f", "Invalid type. Expected: object, given: array"),
        ),
        (True, {"enum": [1]}, ("enum", "f", "f must be one of the following: 1")),
        ("c", {"enum": ["é", 2]}, ("enum", "f", 'f must be one of the following: "é", 2')),
        (1, {"minimum": 1.5}, ("number_gte", "f", "Must be greater than or equal to 1.5")),
        (3.5, {"maximum": 3}, ("number_lte", "f", "Must be less than or equal to 3")),
        (
            ["a", 1],
            {"items": TEXT},
            ("invalid_type", "f.1", "Invalid type. Expected: string, given: integer"),
        ),
        ({}, {"properties": {}, "required": ["x"]}, ("required", "f", "x is required")),
        (
            {"y": 1},
            {"properties": {}},
            ("additional_property_not_allowed", "f", "Additional property y is not allowed"),
        ),
        (
            {"x": 1},
            {"properties": {"x": TEXT}},
            ("invalid_type", "f.x", "Invalid type. Expected: string, given: integer"),
        ),
        ("a.png", {"format": "uri"}, ("format", "f", "Does not match format 'uri'")),
        ("a:", {"format": "uri"}, ("format", "f", "Does not match format 'uri'")),
    ],
)
def test_a_problem_names_its_field(
    value: object, schema: dict[str, Any], problem: tuple[str, str, str]
) -> None:
    assert validate(value, schema, "f") == [Problem(*problem)]


def test_a_field_of_the_whole_value_has_a_plain_name() -> None:
    schema = {"properties": {"x": {"properties": {"y": TEXT}}}, "required": ["z"]}
    problems = validate({"x": {"y": 1}}, schema)
    assert [problem.field for problem in problems] == ["", "x.y"]
