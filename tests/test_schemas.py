"""What a model takes is a table for people, and a check before anything is paid."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from replicate_sync import InvalidInputError, Replicate
from replicate_sync.schemas import Inputs

SCHEMAS: dict[str, Any] = {
    "Input": {
        "type": "object",
        "required": ["prompt"],
        "properties": {
            "steps": {"type": "integer", "default": 20, "minimum": 1.0, "maximum": 50.0, "x-order": 2},
            "scheduler": {"allOf": [{"$ref": "#/components/schemas/scheduler"}], "default": "K_EULER", "x-order": 3},
            "prompt": {"type": "string", "description": "What to <b>draw</b>.\nIn words.", "x-order": 0},
            "image": {"type": "string", "format": "uri", "x-order": 1},
            "strength": {"type": "number", "ge": 0, "x-order": 4},
            "tiled": {"type": "boolean", "default": False, "x-order": 5},
            "stops": {"type": "array", "items": {"type": "string"}},
        },
    },
    "scheduler": {"type": "string", "enum": ["K_EULER", "DDIM"], "description": "An enumeration."},
}
INPUTS = Inputs(SCHEMAS)


def test_the_inputs_are_in_the_order_of_the_models_page() -> None:
    assert list(INPUTS) == ["prompt", "image", "steps", "scheduler", "strength", "tiled", "stops"]
    steps = INPUTS["steps"]
    assert (steps.type, steps.default, steps.minimum, steps.maximum, steps.required) == ("integer", 20, 1, 50, False)
    assert (INPUTS["image"].type, INPUTS["scheduler"].choices, INPUTS["prompt"].required) == (
        "file",
        ["K_EULER", "DDIM"],
        True,
    )


def test_they_are_a_table_as_text_and_in_a_notebook() -> None:
    text = str(INPUTS).splitlines()
    assert text[0].split() == ["name", "type", "default", "range", "description"]
    assert text[1].split() == ["prompt", "string", "required", "What", "to", "<b>draw</b>.", "In", "words."]
    assert "1 to 50" in text[3]
    assert "K_EULER, DDIM" in text[4]
    assert "at least 0" in text[5]
    html = INPUTS._repr_html_()
    assert html.count("<tr>") == 8
    assert "&lt;b&gt;draw" in html


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"prompt": "a", "steps": 50, "scheduler": "DDIM", "strength": 1, "tiled": True, "stops": ["x"], "image": "https://x/y"}, []),
        ({"prompt": "a", "image": object()}, []),
        ({}, ["prompt is required"]),
        ({"prompt": None}, ["prompt is required"]),
        ({"prompt": "a", "step": 5}, ["there is no input 'step'; did you mean 'steps'?"]),
        ({"prompt": "a", "zzz": 5}, ["there is no input 'zzz'"]),
        ({"prompt": 5}, ["prompt must be of type string, not int"]),
        ({"prompt": "a", "steps": 0}, ["steps must be at least 1, not 0"]),
        ({"prompt": "a", "steps": 51}, ["steps must be at most 50, not 51"]),
        ({"prompt": "a", "steps": "5"}, ["steps must be of type integer, not str"]),
        ({"prompt": "a", "steps": True}, ["steps must be of type integer, not bool"]),
        ({"prompt": "a", "tiled": 1}, ["tiled must be of type boolean, not int"]),
        ({"prompt": "a", "scheduler": "X"}, ["scheduler must be one of K_EULER, DDIM, not 'X'"]),
        ({"steps": 0, "strength": -1, "extra": 1}, ["there is no input 'extra'", "prompt is required", "steps must be at least 1, not 0", "strength must be at least 0, not -1"]),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_said_at_once(given: dict[str, Any], problems: list[str]) -> None:
    assert INPUTS.problems(given) == problems


@pytest.mark.parametrize(
    "schemas", [None, {}, {"Input": "x"}, {"Input": {"properties": []}}, {"Input": {"$ref": "#/components/schemas/Input"}}]
)
def test_where_the_schema_is_not_told_nothing_is_wrong(schemas: Any) -> None:
    assert Inputs(schemas).problems({"anything": 1}) == []
    assert len(Inputs(schemas)) == 0


@responses.activate
def test_a_run_is_checked_before_it_is_paid_for() -> None:
    model = {"latest_version": {"id": "v", "openapi_schema": {"components": {"schemas": SCHEMAS}}}}
    responses.get("https://api.replicate.com/v1/models/a/b", json=model)
    done = {"id": "p1", "status": "succeeded", "output": 5}
    responses.post("https://api.replicate.com/v1/models/a/b/predictions", json=done, status=201)
    client = Replicate("r8_x")
    assert client.run("a/b", {"anything": 1}) == 5  # not known yet, so the API's to judge
    with pytest.raises(InvalidInputError, match="prompt is required; steps must be at most 50") as raised:
        client.run("a/b", {"steps": 99}, validate=True)
    assert [field["description"] for field in raised.value.fields] == [
        "prompt is required",
        "steps must be at most 50, not 99",
    ]
    with pytest.raises(InvalidInputError, match="prompt is required"):
        client.run("a/b", {"steps": 5})  # known by now
    assert client.run("a/b", {"steps": 99}, validate=False) == 5
    assert client.run("a/b", {"prompt": "x"}) == 5
    assert [call.request.method for call in responses.calls].count("GET") == 1
