"""A model's input is checked before anything is sent."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from replicate_sync.errors import InvalidInputError
from replicate_sync.inputs import checked, encode


def test_a_mapping_is_taken_and_never_changed() -> None:
    given = OrderedDict(prompt="a", n=[1, {"b": None}])
    assert checked(given) == {"prompt": "a", "n": [1, {"b": None}]}
    assert checked(None) == {}
    assert checked(given) is not given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("a prompt", "dict of its parameters"),
        ([("prompt", "a")], "dict of its parameters"),
        ({1: "a"}, "names"),
        ({"seed": float("nan")}, "'seed'"),
        ({"image": Path("x")}, "'image'"),
        ({"a": 1, "b": object()}, "'b'"),
    ],
)
def test_what_cannot_be_sent_is_named(given: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        checked(given)


def test_an_input_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep):
        with pytest.raises(InvalidInputError, match="'x'"):
            checked({"x": value})


def test_text_is_written_as_json_that_any_server_reads() -> None:
    assert encode({"a": "é\n"}) == b'{"a":"\\u00e9\\n"}'
