"""The schemas of a function follow from its signature."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from PIL import Image

from replicate_sync.server import Between, LocalServer

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
