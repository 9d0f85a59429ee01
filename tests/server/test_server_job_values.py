"""The arguments of a function, and the JSON of what it returns."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from replicate_sync.server import LocalServer


def test_an_integer_may_have_a_point(local: LocalServer, call: Any) -> None:
    @local.model("me/kinds")
    def kinds(whole: int, part: float) -> list[str]:
        return [type(whole).__name__, type(part).__name__]

    assert call.run("me/kinds", {"whole": 2.0, "part": 3})["output"] == ["int", "float"]


def test_a_returned_iterator_streams(local: LocalServer, call: Any) -> None:
    @local.model("me/map")
    def mapped(words: list[str]) -> Iterator[str]:
        return map(str.upper, words)

    assert call.run("me/map", {"words": ["a", "b"]})["output"] == ["A", "B"]


@pytest.mark.parametrize(
    "value", ["text", 3, 2.5, True, None, {"a": [1, {"b": None}]}, ["x", 1], []]
)
def test_a_json_value_is_the_output(local: LocalServer, call: Any, value: Any) -> None:
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


def test_a_file_input_is_a_path(local: LocalServer, call: Any) -> None:
    @local.model("me/reads")
    def reads(file: Path, more: list[Path]) -> list[str]:
        return [file.suffix, file.read_text(), *(one.read_text() for one in more)]

    local.model("me/file")(lambda: io.BytesIO(b"by a url"))
    inline = "data:text/plain;base64," + base64.b64encode(b"inline").decode()
    served = call.run("me/file")["output"]
    assert call.run("me/reads", {"file": inline, "more": [served, "data:,a%20b"]})["output"] == [
        ".txt", "inline", "by a url", "a b",
    ]  # fmt: skip


def test_any_other_value_is_the_output_as_text(local: LocalServer, call: Any) -> None:
    local.model("me/other")(lambda: [3 + 4j, float("nan"), {1: {"a"}}, io.StringIO("text")])
    text, nan, record, file = call.run("me/other")["output"]
    assert (text, nan, record) == ("(3+4j)", None, {"1": ["a"]})
    assert call.get(file).content == b"text"


def test_a_url_of_another_machine_is_passed_on(local: LocalServer, call: Any) -> None:
    @local.model("me/url")
    def url(file: Path) -> str:
        return str(file)

    for away in ("https://example.com/v1/files/x", "http://localhost:bad/v1/files/x"):
        body = call.run("me/url", {"file": away})
        assert body["output"] == away or body["status"] == "failed"
