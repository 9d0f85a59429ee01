"""The schemas of a function follow from its signature."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import pytest
from PIL import Image

from replicate_sync.server import Between, LocalServer
from replicate_sync.server.schemas import input_schema, schema_of, value_schema

TEXT_STREAM = {
    "type": "array",
    "items": {"type": "string"},
    "title": "Output",
    "x-cog-array-type": "iterator",
    "x-cog-array-display": "concatenate",
}


URI = {"type": "string", "format": "uri"}


def schema(call: Any, name: str) -> dict[str, Any]:
    return call.get(f"/v1/models/{name}").json()["latest_version"]["openapi_schema"]["components"][
        "schemas"
    ]


def test_the_signature_is_the_input_schema(local: LocalServer, call: Any) -> None:
    @local.model("me/all")
    def everything(
        text: str,
        count: Annotated[int, Between(1, 9), "How many"] = 2,
        share: float = 0.5,
        yes: bool = True,
        mode: Literal["a", "b"] = "a",
        names: list[str] = ["x"],  # noqa: B006
        record: dict[str, Any] | None = None,
        file: Path | None = None,
        anything=None,  # type: ignore[no-untyped-def]
    ) -> str:
        """Takes everything
        there is.

        More about it.
        """
        return text

    model = call.get("/v1/models/me/all").json()
    assert model["description"] == "Takes everything there is."
    assert model["url"] == "https://replicate.com/me/all"
    found = schema(call, "me/all")
    properties = found["Input"]["properties"]
    assert found["Input"]["required"] == ["text"]
    assert [prop["x-order"] for prop in properties.values()] == list(range(9))
    assert properties["count"] == {
        "title": "Count",
        "x-order": 1,
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "description": "How many",
        "default": 2,
    }
    assert properties["mode"]["allOf"] == [{"$ref": "#/components/schemas/mode"}]
    assert found["mode"]["enum"] == ["a", "b"]
    assert properties["names"] == {
        "title": "Names",
        "x-order": 5,
        "type": "array",
        "items": {"type": "string"},
        "default": ["x"],
    }
    assert (properties["file"]["format"], properties["file"]["nullable"]) == ("uri", True)
    assert "type" not in properties["anything"]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Iterator[str], TEXT_STREAM),
        (Generator[str, None, None], TEXT_STREAM),
        (str, {"type": "string", "title": "Output"}),
        (int, {"type": "integer", "title": "Output"}),
        (float, {"type": "number", "title": "Output"}),
        (bool, {"type": "boolean", "title": "Output"}),
        (dict, {"type": "object", "title": "Output"}),
        (list[str], {"type": "array", "items": {"type": "string"}, "title": "Output"}),
        (Path, {**URI, "title": "Output"}),
        (Image.Image, {**URI, "title": "Output"}),
        (list[Path], {"type": "array", "items": URI, "title": "Output"}),
        (list[Image.Image], {"type": "array", "items": URI, "title": "Output"}),
        (
            Iterator[Path],
            {"type": "array", "items": URI, "title": "Output", "x-cog-array-type": "iterator"},
        ),
        ("no.such[thing]", {"title": "Output"}),
        (None, {"title": "Output"}),
    ],
)
def test_the_return_annotation_is_the_output_schema(
    local: LocalServer, call: Any, hint: Any, expected: Any
) -> None:
    def function() -> Any: ...

    function.__annotations__["return"] = hint
    local.model("me/made")(function)
    assert schema(call, "me/made")["Output"] == expected


def test_a_generator_without_annotations_streams_text(local: LocalServer, call: Any) -> None:
    @local.model("me/bare")
    def bare(x, y="b"):  # type: ignore[no-untyped-def]
        yield x
        yield y

    assert schema(call, "me/bare")["Output"] == TEXT_STREAM
    assert call.run("me/bare", {"x": "a"})["output"] == ["a", "b"]
    assert call.run("me/bare", {"x": {"any": "thing"}, "y": None})["output"] == [
        {"any": "thing"},
        None,
    ]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str | None, {"type": "string", "nullable": True}),
        (list[int] | None, {"type": "array", "items": {"type": "integer"}, "nullable": True}),
        (str | int, {}),
        (str | int | None, {"nullable": True}),
        (Literal[1, 2], {"type": "integer", "enum": [1, 2]}),
        (Literal[1, "a"], {"enum": [1, "a"]}),
        (Annotated[float, Between(least=0)], {"type": "number", "minimum": 0}),
        (Annotated[float, Between(most=1), object()], {"type": "number", "maximum": 1}),
        (list, {"type": "array", "items": {}}),
        (set[str], {"type": "array", "items": {"type": "string"}}),
        (dict[str, int], {"type": "object"}),
        (bytes, {"type": "string", "format": "uri"}),
        (io.BytesIO, {"type": "string", "format": "uri"}),
        (object, {}),
        (TypeVar("T"), {}),
    ],
)
def test_an_annotation_has_a_schema(hint: Any, expected: dict[str, Any]) -> None:
    assert value_schema(hint) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ("x", {"type": "string"}),
        (True, {"type": "boolean"}),
        ([], {"type": "array", "items": {}}),
        ([1, 2], {"type": "array", "items": {"type": "integer"}}),
        ((1, "a"), {"type": "array", "items": {}}),
    ],
)
def test_a_value_has_a_schema(value: object, expected: dict[str, Any]) -> None:
    assert schema_of(value) == expected


def test_a_default_that_is_no_json_is_left_out() -> None:
    def function(a: Any = object(), b: Any = float("nan"), c: Any = Path("x")) -> None: ...  # noqa: B008

    properties = input_schema(function)["properties"]
    assert ["default" in prop for prop in properties.values()] == [False, False, True]
    assert properties["c"]["default"] == "x"


def test_a_name_has_a_title_without_underscores() -> None:
    def function(_first_name: str, *rest: str, **others: str) -> None: ...

    schema = input_schema(function)
    assert schema["properties"]["_first_name"]["title"] == "First name"
    assert schema["additionalProperties"] is True
    assert schema["required"] == ["_first_name"]
