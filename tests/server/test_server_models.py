"""Functions become models: their schemas, what they are given, and what becomes of what they return."""

from __future__ import annotations

import base64
import functools
import io
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import requests
from PIL import Image

from replicate_sync import server
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


def test_a_signature_is_the_inputs_schema(local: LocalServer, call: Any) -> None:
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

        And says more below.
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
        "title": "Count", "x-order": 1, "type": "integer", "minimum": 1, "maximum": 9,
        "description": "How many", "default": 2,
    }  # fmt: skip
    assert properties["mode"]["allOf"] == [{"$ref": "#/components/schemas/mode"}]
    assert found["mode"]["enum"] == ["a", "b"]
    assert properties["names"] == {
        "title": "Names", "x-order": 5, "type": "array", "items": {"type": "string"}, "default": ["x"],
    }  # fmt: skip
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
def test_a_return_annotation_is_the_outputs_schema(
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


def test_what_returns_an_iterator_streams_too(local: LocalServer, call: Any) -> None:
    @local.model("me/map")
    def mapped(words: list[str]) -> Iterator[str]:
        return map(str.upper, words)

    assert call.run("me/map", {"words": ["a", "b"]})["output"] == ["A", "B"]


@pytest.mark.parametrize(
    "value", ["text", 3, 2.5, True, None, {"a": [1, {"b": None}]}, ["x", 1], []]
)
def test_values_come_back_as_they_are(local: LocalServer, call: Any, value: Any) -> None:
    local.model("me/value")(lambda: value)
    body = call.run("me/value")
    assert (body["status"], body["output"]) == ("succeeded", value)


def test_an_image_is_served_as_a_file(local: LocalServer, call: Any) -> None:
    @local.model("me/image")
    def image(width: int) -> Image.Image:
        return Image.new("RGB", (width, 2), "red")

    body = call.run("me/image", {"width": 3})
    assert body["output"] == f"{local.origin}/outputs/{body['id']}/out-0.png"
    response = requests.get(body["output"], timeout=5)
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Length"] == str(len(response.content))
    assert Image.open(io.BytesIO(response.content)).size == (3, 2)


def test_files_of_every_kind_are_served(local: LocalServer, call: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("from a path")

    @local.model("me/files")
    def files() -> dict[str, Any]:
        with (tmp_path / "a.txt").open("rb") as opened:
            return {
                "path": tmp_path / "a.txt",
                "open": [io.BytesIO(b"\x89PNG..."), io.BytesIO(opened.read())],
            }

    body = call.run("me/files")
    path, (png, unknown) = body["output"]["path"], body["output"]["open"]
    assert [url.rpartition("/")[2] for url in (path, png, unknown)] == [
        "out-0.txt",
        "out-1.png",
        "out-2",
    ]
    assert requests.get(path, timeout=5).text == "from a path"
    assert requests.get(unknown, timeout=5).headers["Content-Type"] == "application/octet-stream"
    part = requests.get(path, headers={"Range": "bytes=5-8"}, timeout=5)
    assert (part.status_code, part.text) == (206, "a pa")
    assert part.headers["Content-Range"] == "bytes 5-8/11"


def test_streamed_files_are_events_with_their_url(local: LocalServer, call: Any) -> None:
    @local.model("me/frames")
    def frames() -> Iterator[Image.Image]:
        yield Image.new("L", (1, 1))
        yield Image.new("CMYK", (1, 1))

    body = call.run("me/frames")
    assert [url.rpartition("/")[2] for url in body["output"]] == ["out-0.png", "out-1.png"]
    assert all(f"data: {url}\n".encode() in call.events(body) for url in body["output"])


def test_file_inputs_are_files_where_the_function_wants_a_path(
    local: LocalServer, call: Any
) -> None:
    @local.model("me/reads")
    def reads(file: Path, more: list[Path]) -> list[str]:
        return [file.suffix, file.read_text(), *(one.read_text() for one in more)]

    local.model("me/gives")(lambda: io.BytesIO(b"by a url"))
    inline = "data:text/plain;base64," + base64.b64encode(b"inline").decode()
    served = call.run("me/gives")["output"]
    assert call.run("me/reads", {"file": inline, "more": [served, "data:,a%20b"]})["output"] == [
        ".txt", "inline", "by a url", "a b",
    ]  # fmt: skip


def test_an_exception_fails_the_prediction(local: LocalServer, call: Any) -> None:
    @local.model("me/fails")
    def fails(kind: str) -> str:
        server.log("about to")
        raise {"a": ValueError("told"), "b": KeyError}[kind]

    body = call.run("me/fails", {"kind": "a"})
    assert (body["status"], body["error"], body["output"]) == ("failed", "told", None)
    assert body["logs"].startswith("about to\n")
    assert "ValueError: told" in body["logs"]
    assert call.run("me/fails", {"kind": "b"})["error"] == "KeyError"


def test_a_function_that_exits_fails_the_prediction_only(local: LocalServer, call: Any) -> None:
    local.model("me/exits")(lambda: sys.exit("enough"))
    body = call.run("me/exits")
    assert (body["status"], body["error"]) == ("failed", "enough")
    assert "job.py" not in body["logs"]


def test_anything_that_can_be_called_can_be_a_model(local: LocalServer, call: Any) -> None:
    class Greeter:
        greeting = "hi"

        def __call__(self, name: str) -> Iterator[str]:
            yield f"{self.greeting} {name}"

        def greet(self, name: str = "all") -> str:
            return f"{self.greeting} {name}"

    local.model("me/object")(Greeter())
    local.model("me/method")(Greeter().greet)
    local.model("me/partial")(functools.partial(Greeter().greet, name="you"))
    local.model("me/builtin")(dict)
    assert schema(call, "me/object")["Output"] == TEXT_STREAM
    assert call.run("me/object", {"name": "you"})["output"] == ["hi you"]
    assert call.run("me/method")["output"] == "hi all"
    assert call.run("me/partial")["output"] == "hi you"
    assert call.run("me/builtin", {"a": 1})["output"] == {"a": 1}


def test_logs_are_those_of_the_prediction_that_runs(local: LocalServer, call: Any) -> None:
    @local.model("me/logs")
    def logs(name: str) -> Iterator[str]:
        server.log(name)
        yield ""
        server.log(f"{name} again")
        server.metric("count", 2)

    for name in ("a", "b"):
        body = call.run("me/logs", {"name": name})
        assert body["logs"] == f"{name}\n{name} again"
        assert body["metrics"]["count"] == 2
    server.log("outside of a prediction this does nothing")


def test_any_name_is_taken_by_a_function_that_takes_any(local: LocalServer, call: Any) -> None:
    local.model("me/any")(lambda **inputs: inputs)
    assert call.run("me/any", {"x": 1, "y": [2]})["output"] == {"x": 1, "y": [2]}


def test_a_registered_function_stays_a_function(local: LocalServer) -> None:
    @local.model("me/same")
    def same(x: int) -> int:
        return x + 1

    assert same(1) == 2
    with pytest.raises(ValueError, match="owner/name"):
        local.model("nameless")


def test_a_model_of_the_module_is_on_every_server(local: LocalServer, call: Any) -> None:
    try:
        server.model("me/everywhere")(lambda: "here")
        assert call.run("me/everywhere")["output"] == "here"
    finally:
        server.everywhere.remove("me/everywhere")


def test_a_model_of_one_server_is_on_no_other(local: LocalServer, call: Any) -> None:
    with LocalServer() as other:
        other.model("me/theirs")(lambda: "there")
        assert call.get("/v1/models/me/theirs").status_code == 404


def test_a_version_follows_from_name_and_schemas(local: LocalServer) -> None:
    def version(name: str, function: Any) -> str:
        local.model(name)(function)
        found = local.models.get(name)
        assert found is not None
        assert len(found.version) == 64
        return found.version

    assert version("me/a", lambda x: x) == version("me/a", lambda x: x * 2)
    assert (
        len(
            {
                version("me/a", lambda x: x),
                version("me/b", lambda x: x),
                version("me/a", lambda y: y),
            }
        )
        == 3
    )


def test_models_and_versions_are_listed(local: LocalServer, call: Any) -> None:
    for number in range(30):
        local.model(f"me/{number}")(lambda: None)
    first = call.get("/v1/models").json()
    second = call.get(first["next"]).json()
    names = [model["name"] for model in first["results"] + second["results"]]
    assert len(first["results"]) == 25
    assert names[:2] == ["29", "28"]
    assert len(names) == len(set(names)) == 40
    versions = call.get("/v1/models/me/1/versions").json()
    version = versions["results"][0]
    assert (versions["next"], version["id"]) == (
        None,
        first["results"][0]["latest_version"]["id"],
    ) or version["id"]
    assert call.get(f"/v1/models/me/1/versions/{version['id']}").json() == version
    assert call.get("/v1/models/me/1/versions/0").status_code == 404
    assert call.get("/v1/hardware").json()[0] == {"sku": "cpu", "name": "CPU"}
