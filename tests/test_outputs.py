"""Text stays text, files become FileOutput, anything else stays what it is."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicate_sync.errors import ConnectionFailed, ReplicateError
from replicate_sync.files import FileOutput, ImageOutput
from replicate_sync.outputs import could_be_either, result

API = "https://api.replicate.com/v1"
FILE = "https://replicate.delivery/pbxt/abc/out-0.png"
LINK = "https://example.com/a-page"
STRINGS = {"type": "array", "items": {"type": "string"}}
PICTURE = {"type": "string", "format": "uri"}
TEXT = {**STRINGS, "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}


def no_download(url: str) -> Iterator[bytes]:
    raise AssertionError(f"{url} was downloaded")


def made(value: Any, schema: Any = None) -> Any:
    return result(value, {"Output": schema, "Picture": PICTURE}, no_download, API)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (TEXT, ["a", " b", ""], "a b"),
        (TEXT, [LINK], LINK),
        (TEXT, [], ""),
        (STRINGS, ["a ", "b"], ["a ", "b"]),
        ({"type": "string"}, FILE, FILE),
        ({"type": "string", "format": "uri"}, LINK, FileOutput(LINK, no_download)),
        ({"type": "string", "format": "uri"}, None, None),
        (
            {"type": "array", "items": {"type": "string", "format": "uri"}},
            [FILE, LINK],
            [FileOutput(u, no_download) for u in (FILE, LINK)],
        ),
        ({"type": "integer"}, 5, 5),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": FILE}, {"a": FILE}),
        (
            {"type": "object", "properties": {"a": {"type": "string", "format": "uri"}, "n": {"type": "integer"}}},
            {"a": LINK, "n": 1},
            {"a": FileOutput(LINK, no_download), "n": 1},
        ),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], [1, 2]),
        ({"$ref": "#/components/schemas/Picture"}, LINK, FileOutput(LINK, no_download)),
        ({"allOf": [{"$ref": "#/components/schemas/Picture"}], "title": "x"}, LINK, FileOutput(LINK, no_download)),
        ({"anyOf": [TEXT, {"type": "null"}]}, ["a", "b"], "ab"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Picture"}}, [LINK], [FileOutput(LINK, no_download)]),
        ({"$ref": "#/components/schemas/Output"}, "plain", "plain"),
        ("nonsense", LINK, LINK),
        # Without a schema, a file is a file only where the whole of it is one on a known host.
        (None, FILE, FileOutput(FILE, no_download)),
        (None, "https://pbxt.replicate.delivery/x.png", FileOutput("https://pbxt.replicate.delivery/x.png", no_download)),
        (None, "data:image/png;base64,AAAA", FileOutput("data:image/png;base64,AAAA", no_download)),
        (None, LINK, LINK),
        (None, f"See {FILE}", f"See {FILE}"),
        (None, f"{FILE} is what you asked for", f"{FILE} is what you asked for"),
        (None, "https://evil-replicate.delivery/x", "https://evil-replicate.delivery/x"),
        (None, [FILE, FILE], [FileOutput(FILE, no_download)] * 2),
        (None, ["Hello", " world"], "Hello world"),
        (None, ["Hello", ""], "Hello"),
        (None, ["one", "two"], ["one", "two"]),
        (None, f"{API}/files/1", FileOutput(f"{API}/files/1", no_download)),
        ({"title": "Output"}, FILE, FileOutput(FILE, no_download)),
        (None, {"n": 1}, {"n": 1}),
        (None, {"a": [FILE], "b": LINK}, {"a": [FileOutput(FILE, no_download)], "b": LINK}),
        (None, None, None),
        (None, "plain", "plain"),
        (None, 1.5, 1.5),
    ],
)
def test_the_schema_decides_and_without_one_only_the_whole_value_does(schema: Any, value: Any, expected: Any) -> None:
    given = made(value, schema)
    assert given == expected
    assert type(given) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain text", False),
        (LINK, True),
        (["a"], True),
        ([], False),
        ({"a": 1}, False),
        (None, False),
        ([1], False),
        ({"a": [LINK]}, True),
    ],
)
def test_the_schema_is_asked_for_only_where_it_decides(value: Any, expected: bool) -> None:
    assert could_be_either(value) is expected


def test_a_file_is_fetched_once_and_its_repr_fetches_nothing() -> None:
    calls = []

    def download(url: str) -> Iterator[bytes]:
        calls.append(url)
        yield b"ab"
        yield b"c"

    file = FileOutput(FILE, download)
    assert (repr(file), str(file), file.name, file.mime_type) == (f"FileOutput({FILE!r})", FILE, "out-0.png", "image/png")
    assert calls == []
    assert file.read() == file.read() == b"abc"
    assert file._repr_mimebundle_()["image/png"] == base64.b64encode(b"abc").decode()
    assert calls == [FILE]


def test_a_data_uri_is_read_without_a_network() -> None:
    assert FileOutput("data:text/plain;base64,aGk=", no_download).read() == b"hi"
    assert FileOutput("data:,a%20b", no_download).read() == b"a b"
    assert FileOutput("data:image/png;base64,AAAA", no_download).name == "output.png"
    for broken in ("data:image/png;base64", "data:image/png;base64,@@@@@"):
        with pytest.raises(ReplicateError, match="data URI"):
            FileOutput(broken, no_download).read()


def test_saving_gives_the_whole_file_under_its_name_or_none(tmp_path: Path) -> None:
    file = ImageOutput(FILE, "a cat", lambda url: iter([b"ab", b"c"]))
    assert file.save(tmp_path) == tmp_path / "out-0.png"
    assert file.save(tmp_path / "cat.png").read_bytes() == b"abc"
    assert file.save(str(tmp_path / "cat.png")).read_bytes() == b"abc"

    def cut(url: str) -> Iterator[bytes]:
        yield b"ab"
        raise ConnectionFailed("cut")

    with pytest.raises(ConnectionFailed):
        FileOutput(FILE, cut).save(tmp_path / "other.png")
    assert sorted(os.listdir(tmp_path)) == ["cat.png", "out-0.png"]


def test_a_url_cannot_choose_a_place_outside_the_folder(tmp_path: Path) -> None:
    for url in (
        "https://replicate.delivery/..",
        "https://replicate.delivery/%2e%2e%2f%2e%2e%2fx",
        "https://replicate.delivery/",
    ):
        saved = FileOutput(url, lambda _: iter([b"a"])).save(tmp_path)
        assert saved.resolve().parent == tmp_path.resolve()


def test_files_that_came_inside_the_answer_have_names_of_their_own(tmp_path: Path) -> None:
    inside = ["data:image/webp;base64,YQ==", "data:image/webp;base64,Yg==", "data:audio/wav;base64,Yw=="]
    files = result(inside, None, lambda url: iter([b""]), "https://api.replicate.com/v1")
    assert [file.save(tmp_path).name for file in files] == ["out-0.webp", "out-1.webp", "out-2.wav"]
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [b"a", b"b", b"c"]
