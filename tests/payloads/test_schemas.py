"""What a model takes is a table for people and a check before anything is paid; its output has words."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.payloads.file_inputs import to_upload
from replicate_sync.payloads.input_schema import Inputs
from replicate_sync.payloads.json_schema import resolve_reference
from replicate_sync.payloads.schemas import (
    ModelSchema,
    latest_version_of_model,
    schemas_of_version,
)

SCHEMAS: dict[str, Any] = {
    "Input": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "steps": {
                "type": "integer",
                "default": 20,
                "minimum": 1.0,
                "maximum": 50.0,
                "x-order": 2,
            },
            "scheduler": {
                "allOf": [{"$ref": "#/components/schemas/scheduler"}],
                "default": "K_EULER",
                "x-order": 3,
            },
            "prompt": {
                "type": "string",
                "description": "What to <b>draw</b>.\nIn words.",
                "x-order": 0,
            },
            "image": {"type": "string", "format": "uri", "x-order": 1},
            "strength": {"type": "number", "ge": 0, "x-order": 4},
            "tiled": {"type": "boolean", "default": False, "x-order": 5},
            "stops": {"type": "array", "items": {"type": "string"}},
        },
    },
    "scheduler": {
        "type": "string",
        "enum": ["K_EULER", "DDIM"],
        "description": "An enumeration.",
    },
}
UPLOAD = to_upload(b"x", "x")
REFERENCE = {"$ref": "#/components/schemas/scheduler"}
NULL = {"type": "null"}


@pytest.fixture
def known() -> Inputs:
    """Return the inputs of a model."""
    return ModelSchema.parse(SCHEMAS).inputs


def inputs(properties: Any, **more: Any) -> Inputs:
    return ModelSchema.parse({"Input": {"properties": properties, **more}}).inputs


def test_the_inputs_are_in_the_order_of_the_models_page(known: Inputs) -> None:
    names = ["prompt", "image", "steps", "scheduler", "strength", "tiled", "stops"]
    assert list(known) == names
    assert len(known) == 7


def test_an_input_has_a_type_a_default_limits_and_choices(known: Inputs) -> None:
    steps = known["steps"]
    assert (steps.name, steps.type, steps.default) == ("steps", "integer", 20)
    assert (steps.minimum, steps.maximum) == (1, 50)
    assert not steps.required
    assert known["prompt"].required
    assert known["prompt"].choices is None
    assert known["image"].type == "file"
    assert known["strength"].minimum == 0
    assert known["scheduler"].choices == ["K_EULER", "DDIM"]
    assert known["scheduler"].description == ""


def test_what_the_schema_does_not_say_is_empty() -> None:
    odd = inputs({"x": {"type": 5, "enum": "ab", "minimum": True, "maximum": "9"}, "y": None})
    assert odd["x"] == ("x", "", False, None, None, None, None, "", "")
    assert odd["y"] == ("y", "", False, None, None, None, None, "", "")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, ""),
        ({"minimum": 0}, "at least 0"),
        ({"maximum": 0}, "at most 0"),
        ({"minimum": 0, "maximum": 1.5}, "0 to 1.5"),
        ({"ge": 1, "le": 2}, "1 to 2"),
        ({"enum": [1, "b"], "minimum": 0}, "1, b"),
        ({"enum": []}, ""),
    ],
)
def test_the_range_of_an_input_has_words(schema: Any, words: str) -> None:
    assert inputs({"x": schema})["x"].range == words


def test_the_inputs_are_a_table_as_text(known: Inputs) -> None:
    text = str(inputs({"prompt": {"description": "a\n b"}, "n": {"type": "integer", "default": 5}}))
    assert text.splitlines() == [
        "name    type     default  range  description",
        "prompt                           a b",
        "n       integer  5",
    ]
    assert repr(known) == str(known)
    assert str(known).splitlines()[1].split()[:3] == ["prompt", "string", "required"]


@pytest.mark.parametrize("columns", [None, 80])
def test_wide_cells_are_wrapped_in_their_columns(
    columns: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if columns:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
    ratios = [f"{n}:{m}" for n in range(1, 5) for m in range(11, 17)]
    table = inputs({"aspect_ratio": {"enum": ratios, "description": "How wide. " * 20}, "b": {}})
    rows = str(table).splitlines()
    assert max(map(len, rows)) <= (columns or 100)
    start = rows[0].index("range")
    end = rows[0].index("description")
    assert "".join(row[start:end] for row in rows[1:-1]).split() == ", ".join(ratios).split()
    assert rows[-1] == "b"


def test_what_a_library_writes_where_nobody_has_is_no_description() -> None:
    schemas = {
        "Input": {"properties": {"x": {"allOf": [{"$ref": "#/components/schemas/x"}]}}},
        "x": {"enum": ["a", "b"], "type": "string", "description": "An enumeration."},
    }
    assert Inputs.parse(schemas)["x"].description == ""
    assert "enumeration" not in str(Inputs.parse(schemas))


def test_the_inputs_are_a_table_in_a_notebook(known: Inputs) -> None:
    heads = "".join(
        f'<th style="text-align:left">{name}</th>'
        for name in ("name", "type", "default", "range", "description")
    )
    row = (
        '<tr><td style="text-align:left">a</td>' + '<td style="text-align:left"></td>' * 4 + "</tr>"
    )
    assert inputs({"a": {}, "b": {}})._repr_html_() == (
        f"<table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{row}{row.replace('>a<', '>b<')}</tbody></table>"
    )
    escaped = '<td style="text-align:left">What to &lt;b&gt;draw&lt;/b&gt;. In words.</td>'
    assert escaped in known._repr_html_()


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (
            {
                "prompt": "a",
                "steps": 50,
                "scheduler": "DDIM",
                "strength": 1,
                "tiled": True,
                "stops": ["x"],
                "image": "https://x/y",
            },
            [],
        ),
        ({"prompt": "a", "image": UPLOAD}, []),
        ({"prompt": UPLOAD, "stops": [UPLOAD]}, []),
        ({"prompt": "a", "steps": 5.0}, []),
        ({"prompt": "a", "image": [UPLOAD]}, ["image must be of type file, not list"]),
        ({"prompt": "a", "stops": UPLOAD}, ["stops must be of type array, not file"]),
        ({"prompt": "a", "steps": UPLOAD}, ["steps must be of type integer, not file"]),
        (
            {"prompt": "a", "scheduler": [UPLOAD]},
            ["scheduler must be one of K_EULER, DDIM, not [file 'file.bin']"],
        ),
        (
            {"prompt": "a", "image": "a.png"},
            ["image must be a file or a URL: pass Path('a.png'), and not the file's name"],
        ),
        (
            {"prompt": "a", "image": "file:///a.png"},
            ["image must be a file or a URL: pass Path('/a.png'), and not the file's name"],
        ),
        ({"prompt": "a", "image": "DATA:image/png;base64,AAAA"}, []),
        ({"prompt": "a", "steps": 1, "strength": 0.5, "stops": ()}, []),
        ({}, ["prompt is required"]),
        ({"prompt": None}, ["prompt is required"]),
        ({"prompt": "a", "steps": None}, []),
        ({"prompt": "a", "step": 5}, ["there is no input 'step'; did you mean 'steps'?"]),
        ({"prompt": "a", "zzz": 5}, ["there is no input 'zzz'"]),
        ({"prompt": 5}, ["prompt must be of type string, not int"]),
        ({"prompt": "a", "steps": 0}, ["steps must be at least 1, not 0"]),
        ({"prompt": "a", "steps": 51}, ["steps must be at most 50, not 51"]),
        ({"prompt": "a", "steps": "5"}, ["steps must be of type integer, not str"]),
        ({"prompt": "a", "steps": 5.5}, ["steps must be of type integer, not float"]),
        ({"prompt": "a", "steps": True}, ["steps must be of type integer, not bool"]),
        ({"prompt": "a", "strength": True}, ["strength must be of type number, not bool"]),
        ({"prompt": "a", "tiled": 1}, ["tiled must be of type boolean, not int"]),
        (
            {"prompt": "a", "scheduler": "X"},
            ["scheduler must be one of K_EULER, DDIM, not 'X'"],
        ),
        (
            {"steps": 0, "strength": -1, "extra": 1},
            [
                "there is no input 'extra'",
                "prompt is required",
                "steps must be at least 1, not 0",
                "strength must be at least 0, not -1",
            ],
        ),
    ],
)
def test_all_that_is_wrong_is_said_at_once(
    known: Inputs, given: dict[str, Any], problems: list[str]
) -> None:
    assert known.problems(given) == problems


def test_an_input_of_unknown_type_still_has_limits() -> None:
    assert inputs({"x": {"maximum": 5}}).problems({"x": 6}) == ["x must be at most 5, not 6"]
    assert inputs({"x": {"maximum": 0}}).problems({"x": True}) == []


def test_a_required_input_with_a_default_may_be_left_out() -> None:
    assert inputs({"x": {"default": 5}}, required=["x"]).problems({}) == []


def test_a_model_may_take_inputs_that_it_does_not_list(known: Inputs) -> None:
    assert Inputs(known).problems({"prompt": "a", "zzz": 5}) == ["there is no input 'zzz'"]
    assert inputs({"x": {}}, additionalProperties=True).problems({"y": 5}) == []
    assert inputs({"x": {}}, additionalProperties=False).problems({"y": 5}) != []


@pytest.mark.parametrize(
    "schemas",
    [
        None,
        {},
        {"Input": "x"},
        {"Input": {"properties": []}},
        {"Input": {"required": ["x"]}},
        {"Input": {"$ref": "#/components/schemas/Input"}},
    ],
)
def test_nothing_is_wrong_with_the_input_of_an_unknown_model(schemas: Any) -> None:
    schema = ModelSchema.parse(schemas)
    assert schema.inputs.problems({"anything": 1}) == []
    assert len(schema.inputs) == 0
    assert schema.raw == schemas


def test_an_unknown_model_has_no_inputs_and_an_unknown_output() -> None:
    assert ModelSchema.unknown().raw is None
    assert Inputs.empty() == ModelSchema.unknown().inputs == {}
    assert ModelSchema.unknown().output_description == "a value of an unknown kind"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"type": "array", "x-cog-array-display": "concatenate", "items": {"type": "string"}},
            "a text, piece by piece",
        ),
        ({"type": "array", "items": {"type": "string", "format": "uri"}}, "a list of files"),
        ({"type": "array", "items": {"type": "string"}}, "a list of texts"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Picture"}}, "a list of files"),
        ({"type": "array"}, "a list, as JSON"),
        ({"type": "array", "items": {"type": "integer"}}, "a list, as JSON"),
        ({"type": "string", "format": "uri"}, "a file"),
        ({"$ref": "#/components/schemas/Picture"}, "a file"),
        ({"type": "string"}, "a text"),
        ({"type": "object"}, "an object, as JSON"),
        ({"type": "integer"}, "a whole number"),
        ({"type": "number"}, "a number"),
        ({"type": "boolean"}, "true or false"),
        ({}, "a value of an unknown kind"),
    ],
)
def test_the_output_has_words(schema: Any, words: str) -> None:
    schemas = {"Output": schema, "Picture": {"type": "string", "format": "uri"}}
    assert ModelSchema.parse(schemas).output_description == words


def test_a_schema_is_parsed_once_and_can_be_pickled() -> None:
    schema = ModelSchema.parse({**SCHEMAS, "Output": {"type": "array", "items": {}}})
    assert schema.inputs is schema.inputs
    assert schema.output.items is schema.output.items
    copy = pickle.loads(pickle.dumps(schema))
    assert copy.raw == schema.raw
    assert copy.inputs == schema.inputs
    assert copy.output_description == schema.output_description


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {}),
        ("x", {}),
        ({"type": "a"}, {"type": "a"}),
        (REFERENCE, SCHEMAS["scheduler"]),
        ({"$ref": "#/components/schemas/missing"}, {}),
        ({"$ref": 5, "type": "a"}, {"$ref": 5, "type": "a"}),
        ({"anyOf": [REFERENCE, NULL]}, SCHEMAS["scheduler"]),
        ({"oneOf": [NULL, REFERENCE], "default": 1}, {**SCHEMAS["scheduler"], "default": 1}),
        ({"allOf": [{"type": "a", "x": 1}], "x": 2}, {"type": "a", "x": 2}),
        ({"allOf": "x"}, {"allOf": "x"}),
        ({"allOf": [{}, {}]}, {"allOf": [{}, {}]}),
        ({"anyOf": [NULL]}, {"anyOf": [NULL]}),
        ({"allOf": [{}, {}], "anyOf": [{"type": "a"}]}, {"allOf": [{}, {}], "type": "a"}),
    ],
)
def test_a_reference_is_resolved_to_the_schema_itself(schema: Any, expected: Any) -> None:
    assert resolve_reference(schema, SCHEMAS) == expected


def test_references_are_followed_up_to_a_depth() -> None:
    chain = {f"s{n}": {"$ref": f"#/components/schemas/s{n + 1}"} for n in range(10)}
    chain["s7"] = {"type": "end"}
    assert resolve_reference(chain["s0"], chain) == {"type": "end"}
    assert resolve_reference({"$ref": "#/components/schemas/s0"}, chain) == {}
    nested = {f"s{n}": {"allOf": [{"$ref": f"#/components/schemas/s{n + 1}"}]} for n in range(10)}
    for last, expected in ((3, {"type": "end"}), (4, {})):
        schemas = {**nested, f"s{last}": {"type": "end"}}
        assert resolve_reference(schemas["s0"], schemas) == expected
    circle = {"s": {"$ref": "#/components/schemas/s"}}
    assert resolve_reference(circle["s"], circle) == {}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"openapi_schema": {"components": {"schemas": SCHEMAS}}}, SCHEMAS),
        ({"openapi_schema": {"components": {"schemas": []}}}, None),
        ({"openapi_schema": {"components": None}}, None),
        ({"openapi_schema": None}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_the_schemas_of_a_version_are_known_where_the_api_returns_them(
    version: Any, expected: Any
) -> None:
    assert schemas_of_version(version) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"latest_version": {"id": "v"}}, {"id": "v"}),
        ({"latest_version": {"id": None}}, None),
        ({"latest_version": {}}, None),
        ({"latest_version": "v"}, None),
        ({"latest_version": None}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_model_has_a_latest_version_only_with_an_id(model: Any, expected: Any) -> None:
    assert latest_version_of_model(model) == expected


KEYWORDS = st.sampled_from(
    ["type", "$ref", "allOf", "items", "properties", "required", "enum", "Input", "Output"]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@given(ANYTHING)
def test_no_schema_is_so_broken_that_parsing_it_fails(schemas: Any) -> None:
    if not isinstance(schemas, dict):
        schemas = {"Input": schemas, "Output": schemas}
    schema = ModelSchema.parse(schemas)
    assert isinstance(schema.inputs.problems({"type": 1, "x": None}), list)
    assert isinstance(str(schema.inputs), str)
    assert isinstance(schema.output_description, str)
