"""Generation parameters are spelled as the model spells them, and none is lost."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.errors import InvalidInputError
from replicate_sync.parameters import spell
from replicate_sync.schemas import Input

ALL = {
    "prompt": "p",
    "system_prompt": "s",
    "max_tokens": 5,
    "temperature": 0.0,
    "top_p": 0.9,
    "top_k": 3,
    "stop": ["a", "b"],
}


def test_an_unknown_model_gets_the_spellings_of_gpt4free() -> None:
    assert spell(ALL, None) == {
        "prompt": "p",
        "system_prompt": "s",
        "max_new_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 3,
        "stop_sequences": "a,b",
    }


def test_none_is_left_out_and_so_is_an_empty_stop() -> None:
    assert spell({"prompt": "p", "max_tokens": None, "stop": []}, None) == {"prompt": "p"}
    assert spell({"prompt": "p", "temperature": 0, "top_k": 0}, None) == {"prompt": "p", "temperature": 0, "top_k": 0}


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("max_tokens", "max_tokens"),
        ("max_new_tokens", "max_new_tokens"),
        ("max_completion_tokens", "max_completion_tokens"),
        ("max_length", "max_length"),
    ],
)
def test_a_known_model_gets_the_spelling_that_it_lists(listed: str, expected: str) -> None:
    assert spell({"max_tokens": 5}, {listed: {}, "prompt": {}}) == {expected: 5}


def test_a_parameter_that_the_model_has_no_name_for_is_an_error_that_lists_what_it_takes() -> None:
    with pytest.raises(InvalidInputError, match=r"top_k.*prompt, temperature"):
        spell({"prompt": "p", "top_k": 5}, {"prompt": {}, "temperature": {}})


@pytest.mark.parametrize(
    ("stop", "properties", "expected"),
    [
        ("END", None, {"stop_sequences": "END"}),
        ("a,b", None, {"stop_sequences": "a,b"}),
        (("a", "b"), {"stop": Input.of("stop", {"type": "string"}, False)}, {"stop": "a,b"}),
        (["a,b"], {"stop": Input.of("stop", {"type": "array"}, False)}, {"stop": ["a,b"]}),
        ("x", {"stop": Input.of("stop", {"type": "array"}, False)}, {"stop": ["x"]}),
    ],
)
def test_stop_is_written_as_the_model_reads_it(stop: Any, properties: Any, expected: Any) -> None:
    assert spell({"stop": stop}, properties) == expected


@pytest.mark.parametrize("stop", [["a,b"], ["a", ","], [1], 7])
def test_a_stop_that_the_model_would_misread_is_refused(stop: Any) -> None:
    with pytest.raises(InvalidInputError):
        spell({"stop": stop}, None)
