"""Values are serialized as JSON, and what JSON cannot express is named."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.http.json import name_unserializable, serialize_json


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
            "The input 'a.b' cannot be sent as JSON: Object of type object is not JSON "
            "serializable",
            "",
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
