"""A model's input is validated before anything is sent, and what people have stands for its files."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import sys
import tempfile
import time
from array import array
from collections import OrderedDict, UserDict
from pathlib import Path
from typing import Any

import numpy
import pytest
from fake_downloader import FakeDownloader
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.file_inputs import to_upload
from replicate_sync.payloads.file_output import FileOutput
from replicate_sync.payloads.inputs import place_files, validate_input
from replicate_sync.payloads.upload import MAX_INLINE_SIZE, MAX_UPLOAD_SIZE, Upload
from replicate_sync.resources.files import File

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


KEPT = FakeDownloader(b"kept")


def upload_of(value: object) -> Upload:
    upload = to_upload(value)
    assert upload is not None
    return upload


def content_of(upload: Any) -> bytes:
    assert isinstance(upload, Upload)
    with upload.opened() as file:
        content = file.read()
    assert len(content) == upload.size
    return content


class Once(io.RawIOBase):
    """A stream that can be read once, and not sought in."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self.data.read(size)

    def seekable(self) -> bool:
        return False


class Endless(io.RawIOBase):
    """A stream that never ends."""

    def read(self, size: int = -1) -> bytes:
        return b"x" * 2**20


class TextFile:
    """A file that is open as text, and is not one of Python's own."""

    mode = "r"

    def read(self, size: int = -1) -> str:
        raise AssertionError("it was read")


class TextReader:
    """A stream that returns text, and does not say so."""

    def read(self, size: int = -1) -> str:
        return "x"


# -- Validation ----------------------------------------------------------------------------------


def test_a_mapping_is_taken_and_never_changed() -> None:
    given = OrderedDict(prompt="a", n=[1, {"b": None}])
    assert validate_input(given) == {"prompt": "a", "n": [1, {"b": None}]}
    assert validate_input(given) is not given
    assert validate_input(UserDict(given)) == dict(given)
    assert validate_input(None) == {}


NOT_JSON = [
    ({"seed": float("nan")}, "'seed' cannot be sent as JSON: it is nan. An empty cell"),
    ({"seed": [float("inf")]}, "'seed' cannot be sent as JSON: it is inf."),
    ({"seed": -float("inf")}, "'seed' cannot be sent as JSON: it is -inf."),
    ({"a": {"b": [numpy.float32("nan")]}}, "'a.b' cannot be sent as JSON: it is nan. An empty"),
    (
        {"a": 1, "b": object()},
        "'b' cannot be sent as JSON: it is of the type object. Pass it as a text",
    ),
    ({"a": 1, "b": {"c": [{1j}]}}, "'b.c' cannot be sent as JSON: it is of the type complex"),
    ({"a": numpy.array(["2026-01-01"], "datetime64[ns]")}, "'a' cannot be sent as JSON"),
    ({"a": numpy.zeros((4, 5, 3))}, "'a' cannot be written as PNG .* use .tolist"),
    ({"a": {("x", "y"): 1}}, "'a' cannot be sent as JSON: keys must be str"),
    ({"a": numpy.datetime64("2026-01-01")}, r"'a' .* it is a datetime64\[D\]. .* with str\(\)"),
    ({"a": numpy.datetime64("2026-01-01", "ns")}, r"'a' .* it is a datetime64\[ns\]"),
    ({"a": numpy.timedelta64(5, "ns")}, r"'a' .* it is a timedelta64\[ns\]"),
    ({"a": numpy.array(5, "datetime64[ns]")}, r"'a' .* it is a datetime64\[ns\]"),
    ({"a": numpy.sin}, "'a' cannot be sent as JSON: it is of the type ufunc"),
    ({"a": {1: "x", "1": "y"}}, "'a' has the keys 1 and '1', which JSON has as the same"),
    ({"a": [{"b": {True: "x", "true": "y"}}]}, "'a.b' has the keys True and 'true'"),
]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("a prompt", r"^A model's input is a dict of its parameters, such as {.*}, not str\.$"),
        ([("prompt", "a")], "is a dict of its parameters, .* not list"),
        ({1: "a"}, "must be strings; 1 is not"),
        ({"image": Path("missing")}, "The file in 'image' cannot be read"),
        *NOT_JSON,
    ],
)
def test_what_cannot_be_sent_is_named(given: Any, error: str) -> None:
    with pytest.raises(InvalidInputError, match=error):
        validate_input(given)


@pytest.mark.parametrize(("given", "error"), NOT_JSON)
def test_it_is_named_beside_a_file_as_well(given: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidInputError, match=error):
        validate_input({"file": b"x", **given})


def test_an_input_of_none_is_not_given() -> None:
    assert validate_input({"a": None, "b": [None], "c": {"d": None}}) == {
        "b": [None],
        "c": {"d": None},
    }
    assert set(validate_input({"a": None, "file": b"x"})) == {"file"}


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("cat.png", r"Path\('cat.png'\)"),
        ("./cat.png", r"Path\('./cat.png'\)"),
        ("~/cat.png", r"Path\('~/cat.png'\)"),
        (r"C:\Users\me\cat.png", r"Path\(r'C:\\Users\\me\\cat.png'\)"),
        (r"\\host\share\cat.png", r"Path\(r'"),
        ("C:/cat.png", r"Path\('C:/cat.png'\)"),
        ("file:///tmp/my%20cat.png", r"Path\('/tmp/my cat.png'\)"),
        ("file://localhost/cat", r"Path\('/cat'\)"),
        ("FILE:///C:/cat.png", r"Path\('C:/cat.png'\)"),
    ],
)
def test_the_name_of_a_file_is_not_taken_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, path: str, as_list: bool
) -> None:
    (tmp_path / "cat.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    value: Any = [text] if as_list else text
    with pytest.raises(InvalidInputError, match=f"'image' is the name of a file.*Pass {path}"):
        validate_input({"image": value})
    assert validate_input({"prompt": value, "negative_prompt": text}) != {}
    assert validate_input({"image": value}, texts=["image"]) == {"image": value}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "missing.png",
        "https://x.example/cat.png",
        "data:image/png;base64,AAAA",
        "data",
        "a\0.png",
        "x" * 2000 + ".png",
        "a line\nC:\\cat.png",
        "16:9",
        "profile: the person",
    ],
)
def test_a_text_that_names_no_file_is_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert validate_input({"image": text}) == {"image": text}


@pytest.mark.slow
def test_an_input_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = []
    for _ in range(300_000):  # CPython 3.14 serializes 100,000 levels
        deep = [deep]
    for value in (circle, deep):
        with pytest.raises(InvalidInputError, match="'x' is nested too deep, or holds itself"):
            validate_input({"a": 1, "x": value})


@pytest.mark.slow
@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=3), JSON_VALUES, max_size=3))
def test_what_json_can_express_is_passed_on_with_or_without_a_file(value: dict[str, Any]) -> None:
    given = {name: item for name, item in value.items() if item is not None}
    assert validate_input(value) == given
    with_file = validate_input({**value, "a file": b"x"})
    assert isinstance(with_file.pop("a file"), Upload)
    assert with_file == given


def test_large_numbers_and_keys_that_are_numbers_pass_beside_a_file() -> None:
    value = {"n": [10**400, sys.float_info.max, -sys.float_info.max], "k": {1: "a", None: "b"}}
    validated = validate_input({**value, "f": b"x"})
    del validated["f"]
    assert validated == value


def test_a_numpy_scalar_is_its_value() -> None:
    given = {"n": [numpy.int64(5), numpy.float32(0.5), numpy.bool_(True)], "s": numpy.array(7)}
    validated = validate_input(given)
    assert json.dumps(validated) == '{"n": [5, 0.5, true], "s": 7}'


def test_the_file_of_another_model_is_its_url() -> None:
    url = "https://replicate.delivery/x.png"
    file = FileOutput(url, FakeDownloader(error=AssertionError("it was downloaded")))
    assert validate_input({"x": [file]}) == {"x": [url]}


def test_what_was_kept_of_it_is_sent_where_its_url_may_be_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://replicate.delivery/out.png"
    path = tmp_path / "0-out.png"
    path.write_bytes(b"kept")
    gone = FakeDownloader(error=AssertionError("it was downloaded"))
    saved, lost, read = FileOutput(url, gone), FileOutput(url, gone), FileOutput(url, KEPT)
    saved.path = path
    read.read()
    assert validate_input({"x": [saved, read, lost]}) == {"x": [url] * 3}
    an_hour_later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: an_hour_later)
    for file in (saved, read, FileOutput(url, gone, path=path)):
        upload = validate_input({"x": file})["x"]
        assert content_of(upload) == b"kept"
        assert upload_of(upload).digest() == url  # so that a journal knows the run again
    path.unlink()
    assert validate_input({"x": [saved, lost]}) == {"x": [url] * 2}


def test_an_uploaded_file_is_its_url() -> None:
    uploaded = File.from_json({"id": "a", "urls": {"get": "https://api.example/files/a"}})
    assert validate_input({"x": [uploaded]}) == {"x": ["https://api.example/files/a"]}
    with pytest.raises(InvalidInputError, match="The file in 'x' has no URL"):
        validate_input({"x": File.from_json({"id": "a"})})


def test_files_are_found_however_deep_and_the_same_one_is_one_upload(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    data = b"y"
    given = {"in": [path, {"a": (path, data), "b": UserDict(c=[data, b"z"])}, "text", 5]}
    validated = validate_input(given)
    first, inner, *rest = validated["in"]  # type: ignore[misc]
    assert content_of(first) == b"x"
    assert inner["a"][0] is first
    assert content_of(inner["a"][1]) == b"y"
    assert inner["b"]["c"][0] is inner["a"][1]
    assert content_of(inner["b"]["c"][1]) == b"z"
    assert rest == ["text", 5]


def test_one_path_in_two_inputs_is_one_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").write_bytes(b"y")
    validated = validate_input({"x": tmp_path / "a", "y": Path("a"), "z": Path("b")})
    assert validated["x"] is validated["y"]
    assert content_of(validated["z"]) == b"y"


def test_each_file_is_placed_once() -> None:
    data = b"abc"
    validated = validate_input({"x": data, "y": [data, {"z": (b"d", 5)}], "n": None})
    names = iter(["first", "second"])
    placed = place_files(validated, lambda upload: next(names))
    assert placed == {"x": "first", "y": ["first", {"z": ["second", 5]}]}
    assert isinstance(validated["x"], Upload)


def test_an_input_without_files_is_placed_as_it_is() -> None:
    validated = {"a": (1, 2), "b": {"c": [None]}}
    assert place_files(validated, Upload.data_uri) == {"a": [1, 2], "b": {"c": [None]}}


# -- What stands for a file ----------------------------------------------------------------------


def picture() -> Image.Image:
    return Image.new("RGB", (4, 4), "red")


def test_what_people_have_stands_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    with (tmp_path / "a.png").open("rb") as file, tempfile.NamedTemporaryFile() as named:
        named.write(b"RIFF")
        for value, start in [
            (tmp_path / "a.png", "data:image/png;base64,iVBORw0KGgpyZXN0"),
            (file, "data:image/png;base64,iVBORw0KGgpyZXN0"),
            (named, "data:application/octet-stream;base64,UklGRg=="),
            (io.BytesIO(b"GIF89a"), "data:image/gif;base64,R0lGODlh"),
            (b"%PDF-1.7", "data:application/pdf;base64,JVBERi0xLjc="),
            (bytearray(b"abc"), "data:application/octet-stream;base64,YWJj"),
            (memoryview(b"abc"), "data:application/octet-stream;base64,YWJj"),
            (Once(b"abc"), "data:application/octet-stream;base64,YWJj"),
            (picture(), "data:image/png;base64,iVBORw0KGgo"),
        ]:
            assert upload_of(value).data_uri().startswith(start)
        assert not file.closed
        assert not named.closed


@pytest.mark.parametrize("value", ["a string", 5, None, [b"x"], {"a": b"x"}, object()])
def test_nothing_else_stands_for_a_file(value: object) -> None:
    assert to_upload(value) is None


@pytest.mark.parametrize(
    ("content", "mime_type", "name"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png", "file.png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "file.jpg"),
        (b"GIF89a", "image/gif", "file.gif"),
        (b"%PDF-1.7", "application/pdf", "file.pdf"),
        (b"ID3\x04", "audio/mpeg", "file.mp3"),
        (b"OggS\x00", "audio/ogg", None),
        (b"fLaC\x00", "audio/flac", None),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", None),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav", None),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "application/octet-stream", "file.bin"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4", "file.mp4"),
        (b"", "application/octet-stream", "file.bin"),
        (b"hello", "application/octet-stream", "file.bin"),
    ],
)
def test_a_file_without_a_name_is_known_by_its_beginning(
    content: bytes, mime_type: str, name: str | None
) -> None:
    upload = upload_of(content)
    assert upload.mime_type == mime_type
    assert upload.name.startswith("file")
    if name is not None:
        assert upload.name == name
    assert content_of(upload) == content


def test_a_file_with_a_name_is_known_by_it(tmp_path: Path) -> None:
    (tmp_path / "b.mp3").write_bytes(b"GIF89a")
    with (tmp_path / "b.mp3").open("rb") as file:
        for value in (tmp_path / "b.mp3", file):
            upload = upload_of(value)
            assert upload.name == "b.mp3"
            assert upload.mime_type == "audio/mpeg"
            assert upload.size == 6
    (tmp_path / "b.unknown-suffix").write_bytes(b"GIF89a")
    assert upload_of(tmp_path / "b.unknown-suffix").mime_type == "image/gif"


def test_a_file_may_have_a_number_for_a_name() -> None:
    with tempfile.TemporaryFile() as file:
        assert upload_of(file).name == "file.bin"


def test_an_array_with_the_pixels_of_an_image_is_a_picture() -> None:
    for shape in ((4, 5), (4, 5, 3), (4, 5, 4)):
        upload = upload_of(numpy.zeros(shape, "uint8"))
        assert upload.name == "image.png"
        assert Image.open(io.BytesIO(content_of(upload))).size == (5, 4)
    with pytest.raises(
        InvalidInputError, match=r"'x' cannot be .* array of pixels is one of uint8.*\.tolist\(\)"
    ):
        validate_input({"x": numpy.zeros((4, 5, 3), "float64")})


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"b", "a"}, ["a", "b"]),
        (frozenset({3}), [3]),
        ({numpy.int64(3)}, [3]),
        (numpy.array([1.5, 2.0]), [1.5, 2.0]),
        (numpy.array([1, 2], "uint8"), [1, 2]),
        (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (numpy.array(["a", "b"]), ["a", "b"]),
        (numpy.array([True, False]), [True, False]),
        (array("i", [1, 2]), [1, 2]),
        ([{"x": numpy.array([1])}], [{"x": [1]}]),
    ],
)
def test_sets_and_arrays_become_lists(value: object, sent: object) -> None:
    assert validate_input({"x": value}) == {"x": sent}
    assert json.dumps(validate_input({"x": value}))


class OddPath(os.PathLike[str]):
    """A path of somebody's own."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __fspath__(self) -> str:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value  # type: ignore[no-any-return]


@pytest.mark.parametrize("value", [RuntimeError("no path yet"), 5])
def test_a_path_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="The file in 'x' cannot be read"):
        validate_input({"x": OddPath(value)})


def test_a_path_in_a_folder_that_is_gone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(InvalidInputError, match="The file in 'x' cannot be read"):
        validate_input({"x": Path("cat.png")})


def test_an_array_with_a_value_that_json_has_not_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="it is nan"):
        validate_input({"x": numpy.array([1.0, float("nan")])})


def test_what_to_install_is_said_where_an_array_needs_pillow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(InvalidInputError, match=r"'x' needs Pillow: pip install"):
        validate_input({"x": numpy.zeros((4, 5), "uint8")})


def test_a_file_is_read_from_its_beginning_each_time() -> None:
    file = io.BytesIO(b"abcdef")
    file.read(3)
    upload = upload_of(file)
    assert content_of(upload) == b"abcdef"
    assert content_of(upload) == b"abcdef"


def test_a_file_of_a_path_is_closed_behind_each_reading(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with upload_of(tmp_path / "a").opened() as file:
        assert file.read() == b"x"
    assert file.closed


@pytest.mark.parametrize("size", [1, 10, MAX_INLINE_SIZE, 3 * MAX_INLINE_SIZE + 1])
def test_a_stream_that_can_be_read_once_is_kept(size: int) -> None:
    upload = upload_of(Once(b"x" * size))
    assert upload.size == size
    assert content_of(upload) == b"x" * size
    assert content_of(upload) == b"x" * size


def test_equal_content_has_an_equal_digest(tmp_path: Path) -> None:
    content = b"x" * (2 * MAX_INLINE_SIZE + 1)
    (tmp_path / "a").write_bytes(content)
    expected = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert upload_of(tmp_path / "a").digest() == expected
    assert upload_of(content).digest() == expected
    assert upload_of(content[1:]).digest() != expected


def test_a_data_uri_has_the_type_and_the_content() -> None:
    upload = Upload("x", "text/x", 3, lambda: io.BytesIO(b"abc"))
    assert upload.data_uri() == "data:text/x;base64," + base64.b64encode(b"abc").decode()


def test_what_is_no_file_of_bytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x")
    with (tmp_path / "text").open() as text:
        for value, error in [
            (tmp_path / "missing", "'x' cannot be read"),
            (tmp_path, "'x' cannot be read"),
            (text, "'x' is open as text. Open it with mode 'rb'"),
            (io.StringIO("x"), "'x' is open as text. Open it with mode 'rb'"),
            (TextFile(), "'x' is open as text. Open it with mode 'rb'"),
            (TextReader(), "'x' returns text when it is read. Open it with mode 'rb'"),
        ]:
            with pytest.raises(InvalidInputError, match=error):
                validate_input({"x": [value]})


@pytest.mark.slow
def test_a_file_of_more_than_100_mb_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "exact").open("wb") as exact:
        exact.truncate(MAX_UPLOAD_SIZE)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(MAX_UPLOAD_SIZE + 1)
    assert upload_of(tmp_path / "exact").size == MAX_UPLOAD_SIZE
    too_long = "'x' has 104,857,601 bytes, and at most 100 MB can be uploaded. Put .* URL.$"
    with pytest.raises(InvalidInputError, match=too_long):
        validate_input({"x": tmp_path / "huge"})
    with pytest.raises(InvalidInputError, match="at most 100 MB"):
        validate_input({"x": Endless()})
    with pytest.raises(InvalidInputError, match="The file in 'content'"):
        to_upload(tmp_path / "huge")
