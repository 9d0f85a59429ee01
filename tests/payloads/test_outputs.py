"""Text stays text, files become FileOutput, and anything else stays what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_downloader import FakeDownloader
from hypothesis import example, given
from hypothesis import strategies as st

from replicate_sync.http.json import LongObject
from replicate_sync.payloads.file_output import FileOutput
from replicate_sync.payloads.output_urls import file_urls, first_file, needs_schema, plain_output
from replicate_sync.payloads.outputs import parse_output
from replicate_sync.payloads.schemas import ModelSchema

API = "https://api.replicate.com/v1"
FILE = "https://replicate.delivery/pbxt/abc/out-0.png"
LINK = "https://example.com/a-page"
INLINE = "data:image/png;base64,AAAA"
STRINGS = {"type": "array", "items": {"type": "string"}}
PICTURE = {"type": "string", "format": "uri"}
TEXT = {**STRINGS, "x-cog-array-type": "iterator", "x-cog-array-display": "concatenate"}
NO_FILES = FakeDownloader(error=AssertionError("a file was downloaded"))


def parsed(value: Any, schema: Any = None) -> Any:
    schemas = {"Output": schema, "Picture": PICTURE}
    return parse_output(value, ModelSchema.parse(schemas), NO_FILES, API)


def file(url: str) -> FileOutput:
    return FileOutput(url, NO_FILES)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (TEXT, ["a", " b", ""], "a b"),
        (TEXT, [LINK], LINK),
        (TEXT, [], ""),
        (TEXT, [1, "a", None], "a"),
        (STRINGS, ["a ", "b"], ["a ", "b"]),
        ({"type": "string"}, FILE, FILE),
        (PICTURE, LINK, file(LINK)),
        (PICTURE, "http://example.com/x", file("http://example.com/x")),
        (PICTURE, INLINE, file(INLINE)),
        (PICTURE, "no link", "no link"),
        (PICTURE, f"{LINK} is a link", f"{LINK} is a link"),
        (PICTURE, None, None),
        ({"format": "uri"}, LINK, file(LINK)),
        ({"type": "array", "items": PICTURE}, [FILE, LINK], [file(FILE), file(LINK)]),
        ({"type": "array", "items": PICTURE}, [[LINK]], [[LINK]]),
        ({"type": "integer"}, 5, 5),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": FILE}, {"a": FILE}),
        (
            {"type": "object", "properties": {"a": PICTURE, "n": {"type": "integer"}}},
            {"a": LINK, "n": 1},
            {"a": file(LINK), "n": 1},
        ),
        (
            {"type": "object", "properties": {"a": PICTURE}},
            {"a": LINK, "b": FILE, "c": {"d": [FILE]}},
            {"a": file(LINK), "b": FILE, "c": {"d": [FILE]}},
        ),
        ({"type": "object"}, {"a": LINK, "b": [FILE]}, {"a": LINK, "b": [file(FILE)]}),
        ({"type": "object", "additionalProperties": PICTURE}, {"a": LINK, "b": "x"}, {"a": file(LINK), "b": "x"}),
        ({"type": "object", "additionalProperties": False}, {"a": FILE}, {"a": file(FILE)}),
        # Inside of a value nothing changes but files: only the output as a whole can be text.
        ({"type": "object", "properties": {"a": TEXT}}, {"a": ["x", "y"], "b": 1}, {"a": ["x", "y"], "b": 1}),
        ({"type": "array", "items": TEXT}, [["x ", "y"], ["", "z"]], [["x ", "y"], ["", "z"]]),
        (None, {"words": ["a ", "", "b"]}, {"words": ["a ", "", "b"]}),
        (None, [["a ", "", "b"]], [["a ", "", "b"]]),
        ({"title": "Output"}, {"a": {"b": ["one ", "two"]}}, {"a": {"b": ["one ", "two"]}}),
        ({"type": "object", "properties": "x"}, {"a": LINK}, {"a": LINK}),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2], [1, 2]),
        ({"$ref": "#/components/schemas/Picture"}, LINK, file(LINK)),
        ({"allOf": [{"$ref": "#/components/schemas/Picture"}], "title": "x"}, LINK, file(LINK)),
        ({"anyOf": [TEXT, {"type": "null"}]}, ["a", "b"], "ab"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Picture"}}, [LINK], [file(LINK)]),
        ({"$ref": "#/components/schemas/Output"}, "plain", "plain"),
        (
            {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Output"}, "a": PICTURE}},
            {"next": {"next": {"a": LINK}}},
            {"next": {"next": {"a": file(LINK)}}},
        ),
        ("nonsense", LINK, LINK),
        # Without a schema, a file is a file only where the whole of it is one on a known host.
        (None, FILE, file(FILE)),
        (None, "https://pbxt.replicate.delivery/x.png", file("https://pbxt.replicate.delivery/x.png")),
        (None, INLINE, file(INLINE)),
        (None, "data:nothing", "data:nothing"),
        (None, LINK, LINK),
        (None, f"See {FILE}", f"See {FILE}"),
        (None, f"{FILE} is what you asked for", f"{FILE} is what you asked for"),
        (None, "https://evil-replicate.delivery/x", "https://evil-replicate.delivery/x"),
        (None, "https://[", "https://["),
        (None, [FILE, FILE], [file(FILE), file(FILE)]),
        (None, [FILE, ""], FILE),
        (None, ["Hello", " world"], "Hello world"),
        (None, ["Hello", ""], "Hello"),
        (None, ["Hello\n", "world"], "Hello\nworld"),
        (None, ["one", "two"], ["one", "two"]),
        (None, ["one ", "two", 3], ["one ", "two", 3]),
        (None, f"{API}/files/1", file(f"{API}/files/1")),
        (None, "http://api.replicate.com/v1/files/1", "http://api.replicate.com/v1/files/1"),
        ({"title": "Output"}, FILE, file(FILE)),
        (None, {"n": 1}, {"n": 1}),
        (None, {"n": 1, "a": "text", "b": FILE}, {"n": 1, "a": "text", "b": file(FILE)}),
        (None, [INLINE.ljust(5000, "A") + "\n"], [file(INLINE.ljust(5000, "A") + "\n")]),
        (None, [f"{API}/f?".ljust(5000, "A") + "\n"], [file(f"{API}/f?".ljust(5000, "A") + "\n")]),
        (None, {"b": LINK, "a": [FILE], "c": 1}, {"b": LINK, "a": [file(FILE)], "c": 1}),
        (None, None, None),
        (None, "plain", "plain"),
        (None, 1.5, 1.5),
        (None, [], []),
        (None, {}, {}),
    ],
)  # fmt: skip
def test_the_schema_decides_and_without_one_only_the_whole_value_does(
    schema: Any, value: Any, expected: Any
) -> None:
    output = parsed(value, schema)
    assert output == expected
    assert type(output) is type(expected)
    if isinstance(expected, dict):
        assert list(output) == list(expected)


def test_a_url_with_whitespace_far_behind_is_still_a_file() -> None:
    long = FILE + "?" + "x" * 5000 + " y"
    assert parsed(long, PICTURE) == file(long)
    near = FILE + "?" + "x" * 3000 + " y"
    assert parsed(near, PICTURE) == near


@pytest.mark.parametrize("value", [[FILE, ["a", 1]], {"a": {"b": LINK}}, [[1.5, None], [[]]]])
def test_an_output_is_never_changed(value: Any) -> None:
    before = json.dumps(value)
    parsed(value, {"type": "array", "items": PICTURE})
    parsed(value)
    assert json.dumps(value) == before


def test_what_needs_no_parsing_is_returned_without_a_copy() -> None:
    rows = [[0.5, 1], [None, True], []]
    tags = {"tags": ["a", "b"], "rows": rows}
    assert parsed(rows) is rows
    assert parsed(tags) is tags
    output = parsed({"rows": rows, "tags": tags, "mask": FILE})
    assert output == {"rows": rows, "tags": tags, "mask": file(FILE)}
    assert output["rows"] is rows
    assert output["tags"] is tags


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain text", False),
        (LINK, True),
        (INLINE, True),
        ("http://x", True),
        ("https", False),
        ("hello", False),
        ("", False),
        (f"{LINK} is a link", False),
        (["a"], True),
        ([1, 2, "a"], True),
        ([None, "a"], True),
        ([], False),
        ([[], {}], False),
        ({"a": 1}, False),
        ({"a": "text", "b": "", "c": "hello", "d": "data"}, False),
        ({"a": "text", "b": LINK}, True),
        (None, False),
        (1.5, False),
        ([1], False),
        ([1, None, True, 0.5], False),
        ([10**400, 0.5], False),
        ([10**400, 0.5, "a"], True),
        ({"a": [LINK]}, True),
        ([[1, 2], [3, ["a"]]], False),
        ([[1, 2], [3, [LINK]]], True),
        ([[1, 2], "a"], True),
        ([{"a": 1}, {"b": [{"c": INLINE}]}], True),
        ([{"a": 1}, [2, {"b": ["x"]}]], False),
        ([{"a": 1}, [2, {"b": ["x", INLINE]}]], True),
        ([{"a": 1}, [2, {"b": "x"}]], False),
    ],
)
def test_the_schema_is_needed_only_where_it_decides(value: Any, expected: bool) -> None:
    assert needs_schema(value) is expected


class CountedList(list[object]):
    """A list that counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[object]:
        self.times += 1
        return super().__iter__()


def test_a_list_of_numbers_is_gone_through_for_strings_and_then_only_added_up() -> None:
    numbers = CountedList([1, 0.5, 2])
    assert needs_schema(numbers) is False
    assert numbers.times == 2


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        ([f"{API}/files/1", LINK, "a"], [f"{API}/files/1"]),
        ({"b": INLINE, "a": [FILE]}, [INLINE, FILE]),
        ("http://api.replicate.com/v1/files/1", []),
        ([1, 2], []),
    ],
)
def test_a_file_is_known_without_a_schema_by_the_host_that_it_is_on(
    value: Any, urls: list[str]
) -> None:
    assert file_urls(value, API) == urls


TEXTS = st.sampled_from(["", "a", "word ", "hd", LINK, FILE, INLINE, f"{LINK} x", f"{API}/files/1"])
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400)
OUTPUTS = st.recursive(
    NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(NUMBERS, max_size=4)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=20,
)


def schema_decides(value: Any) -> bool:
    """Return what `needs_schema` does, one value after the other."""
    if isinstance(value, str):
        return parsed(value, PICTURE) != value
    if isinstance(value, dict):
        return any(map(schema_decides, value.values()))
    if isinstance(value, list):
        return any(map(schema_decides, value))
    return False


@pytest.mark.slow
@given(OUTPUTS)
def test_looking_at_one_depth_at_a_time_misses_nothing(value: Any) -> None:
    is_text = isinstance(value, list) and any(isinstance(item, str) for item in value)
    assert needs_schema(value) == (is_text or schema_decides(value))


@pytest.mark.slow
@given(OUTPUTS)
@example([""])
@example([[""], [1]])
@example({"a": [LINK]})
def test_an_output_is_plain_by_its_text_only_if_it_needs_no_schema(value: Any) -> None:
    text = json.dumps({"urls": {"get": LINK}, "input": "hd", "output": value}).encode()
    with LongObject(json.loads(text), text) as response:
        plain = plain_output(response)
    assert plain is None or (plain is response["output"] and not needs_schema(value))


@pytest.mark.slow
@given(OUTPUTS)
def test_an_output_that_needs_no_schema_is_returned_as_it_is(value: Any) -> None:
    if not needs_schema(value):
        assert parsed(value) is value


def urls_of(value: Any) -> Iterator[str]:
    """Yield the URLs of the files in a parsed output."""
    if isinstance(value, FileOutput):
        yield value.url
    items = value.values() if isinstance(value, dict) else value
    for item in items if isinstance(value, list | dict) else ():
        yield from urls_of(item)


@pytest.mark.slow
@given(OUTPUTS)
def test_the_files_in_an_output_are_known_without_its_schema(value: Any) -> None:
    assert file_urls(value, API) == list(urls_of(parsed([None, value])))


@pytest.mark.slow
def test_a_deep_output_is_parsed() -> None:
    deep: Any = FILE
    for _ in range(20_000):
        deep = [deep, {"a": 1}]
    assert needs_schema(deep)
    assert file_urls(deep, API) == [FILE]
    output = parsed(deep)
    for _ in range(20_000):
        output = output[0]
    assert output == file(FILE)


@pytest.mark.slow
@given(OUTPUTS, st.sampled_from([None, TEXT, {"type": "object"}, {"title": "Output"}]))
def test_inside_of_an_object_nothing_changes_but_files(value: Any, schema: Any) -> None:
    output = parsed({"value": value}, schema)
    assert addresses_of(output) == {"value": value}


def addresses_of(value: Any) -> Any:
    """Return a parsed output with the addresses of its files."""
    if isinstance(value, FileOutput):
        return value.url
    if isinstance(value, list):
        return [addresses_of(item) for item in value]
    if isinstance(value, dict):
        return {name: addresses_of(item) for name, item in value.items()}
    return value


def test_the_first_file_is_that_of_a_string_or_a_list() -> None:
    assert first_file(LINK) == LINK
    assert first_file(["a", 5, INLINE, LINK]) == INLINE
    assert first_file(["a"]) is None
    assert first_file({"a": LINK}) is None
    assert first_file(None) is None


def test_a_file_in_an_output_can_be_read() -> None:
    output = parse_output([FILE, 1], ModelSchema.unknown(), FakeDownloader(b"abc"), API)
    assert output[0].read() == b"abc"  # type: ignore[index]


def test_files_that_came_inside_the_response_have_names_of_their_own(tmp_path: Path) -> None:
    inside = [
        "data:image/webp;base64,YQ==",
        {"a": "data:image/webp;base64,Yg=="},
        "data:audio/wav;base64,Yw==",
    ]
    first, second, third = parsed(inside)
    files = [first, second["a"], third]
    names = [file.save(tmp_path).name for file in files]
    assert names == ["out-0.webp", "out-1.webp", "out-2.wav"]
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [b"a", b"b", b"c"]
