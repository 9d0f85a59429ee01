"""Values are serialized as JSON, and what JSON cannot express is named."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.http.json import LongObject, name_unserializable, serialize_json


def test_json_is_compact_and_ascii() -> None:
    assert serialize_json({"a": [1, None, "é"]}) == b'{"a":[1,null,"\\u00e9"]}'


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


# Where node runs CPython, it has a stack of any size.
TOO_DEEP = pytest.param(
    nested(100_000), marks=pytest.mark.skipif(sys.platform == "emscripten", reason="a large stack")
)


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1, 2}, TOO_DEEP])
def test_the_input_that_json_cannot_express_is_named(value: Any) -> None:
    given = {"fine": 1, "prompt": value}
    with pytest.raises(
        InvalidInputError, match="The input 'prompt' cannot be sent as JSON"
    ) as raised:
        serialize_json(given)
    assert raised.value.__cause__ is not None
    assert name_unserializable(given) == "The input 'prompt'"


@pytest.mark.parametrize("kind", ["NAType", "NaTType"])
def test_an_empty_cell_of_pandas_is_told_as_one(kind: str) -> None:
    cell = type(kind, (), {})()
    with pytest.raises(InvalidInputError, match=r"'age' cannot be sent.* An empty cell"):
        serialize_json({"age": cell})


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (
            {"a": {"b": [object()]}},
            "The input 'a.b' cannot be sent as JSON: it is of the type object.",
            "Pass it as a text, a number, a list or a dict, such as with str() or list().",
        ),
        (
            {"rows": ({"age": float("nan")},)},
            "The input 'rows.age' cannot be sent as JSON: it is nan.",
            "An empty cell of a table is NaN: leave such a key out, or make it None.",
        ),
    ],
)
def test_the_path_the_reason_and_the_remedy_are_told(value: Any, message: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        serialize_json(value)
    assert raised.value.message == message
    assert raised.value.hint == hint
    [outermost] = value
    assert name_unserializable(value) == f"The input {outermost!r}"


def test_of_a_value_that_is_in_itself_the_outermost_name_is_told() -> None:
    value: dict[str, Any] = {}
    value["a"] = {"b": value}
    with pytest.raises(InvalidInputError, match=r"The input 'a' cannot be sent as JSON: "):
        serialize_json(value)


def test_what_has_no_names_is_named_as_a_whole() -> None:
    with pytest.raises(InvalidInputError, match="The input cannot be sent as JSON"):
        serialize_json([object()])
    assert name_unserializable({"fine": 1}) == "The input"


# -- Long texts ------------------------------------------------------------------------------------

BEGINNINGS = ("http", "data:")
STRINGS = st.sampled_from(
    ["http://a", "https://b", "data:,x", '"http', 'a"data:', "xhttp", "\\http", "", "h", "é", "\0"]
)
VALUES = st.recursive(
    STRINGS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(STRINGS, inner, max_size=3),
    max_leaves=6,
)


def written(value: Any, data: st.DataObject) -> str:
    """Return a value as JSON in any of the ways in which it may be written."""
    if isinstance(value, str):
        way = data.draw(st.sampled_from(["plain", "ascii", "slashes", "escapes"]))
        if way == "escapes":
            return f'"{"".join(f"{chr(92)}u{ord(character):04X}" for character in value)}"'
        text = json.dumps(value, ensure_ascii=way == "ascii")
        return text.replace("/", "\\/") if way == "slashes" else text
    if isinstance(value, list):
        return f"[{', '.join(written(item, data) for item in value)}]"
    if isinstance(value, dict):
        pairs = [f"{written(key, data)}:{written(item, data)}" for key, item in value.items()]
        return f"{{{','.join(pairs)}}}"
    return json.dumps(value)


def holds(value: Any) -> bool:
    """Return whether a string in a value, which is no name, begins in one of the ways."""
    if isinstance(value, str):
        return value.startswith(BEGINNINGS)
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(map(holds, value))


def has_strings(value: Any) -> bool:
    """Return whether there is a string or an object with names in a value."""
    if isinstance(value, list):
        return any(map(has_strings, value))
    return isinstance(value, str) or bool(isinstance(value, dict) and value)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from(["output", "input", "http://x"]), VALUES), max_size=4),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    st.data(),
)
def test_a_long_text_tells_that_there_is_no_string_only_where_there_is_none(
    pairs: list[tuple[str, Any]], encoding: str, data: st.DataObject
) -> None:
    fields = [f"{written(name, data)}: {written(value, data)}" for name, value in pairs]
    text = f"{{{', '.join(fields)}}}".encode(encoding)
    with LongObject(json.loads(text), text) as parsed:
        assert parsed == json.loads(text)
        assert parsed.may_hold("output", BEGINNINGS) or not holds(parsed.get("output"))
        assert parsed.may_hold_character("output", '"') or not has_strings(parsed.get("output"))
        has_slash = "/" in json.dumps(parsed.get("output"))
        assert parsed.may_hold_character("output", "/") or not has_slash


def test_a_long_text_tells_that_there_is_no_string_beside_those_of_other_values() -> None:
    value = {
        "urls": {"get": "https://a"},
        "logs": "two\nlines",
        "output": [{"box": [1], "name": "x"}],
    }
    text = json.dumps(value).encode()
    with LongObject(value, text) as parsed:
        assert not parsed.may_hold("output", BEGINNINGS)
        assert parsed.may_hold("urls", BEGINNINGS)
    assert parsed.may_hold("output", BEGINNINGS)  # it has no text any more


def test_a_long_text_tells_that_an_output_is_numbers_alone() -> None:
    value = {"urls": {"get": 'https://"a'}, "logs": "two\nlines", "output": [[1.5, None], []]}
    text = json.dumps(value).encode()
    with LongObject(value, text) as parsed:
        for character in ('"', "/"):
            assert not parsed.may_hold_character("output", character)
            assert parsed.may_hold_character("urls", character)
    assert parsed.may_hold_character("output", '"')  # it has no text any more
