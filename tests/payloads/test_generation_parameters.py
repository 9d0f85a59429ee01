"""Generation parameters are sent under the names that the model has for them, and none is lost."""

from __future__ import annotations

from typing import Any

import pytest

from replicate_sync.exceptions import InvalidInputError
from replicate_sync.payloads.generation_parameters import system_input, to_model_inputs
from replicate_sync.payloads.input_schema import Inputs
from replicate_sync.payloads.schemas import ModelSchema

ALL = {
    "prompt": "p",
    "system_prompt": "s",
    "max_tokens": 5,
    "temperature": 0.0,
    "top_p": 0.9,
    "top_k": 3,
    "stop": ["a", "b"],
}

NO_STRINGS = "stop= must be a string or a list of strings."
COMMA = (
    "A stop sequence with a comma in it cannot be sent in a list: "
    "the model splits what it gets at commas."
)


def inputs(**types: str) -> Inputs:
    """Return the inputs of a model, from their names and types."""
    properties = {name: {"type": type} for name, type in types.items()}
    return ModelSchema.parse({"Input": {"properties": properties}}).inputs


@pytest.mark.parametrize("unknown", [None, Inputs.empty()])
def test_an_unknown_model_is_sent_the_names_of_gpt4free(unknown: Inputs | None) -> None:
    assert to_model_inputs(ALL, unknown) == {
        "prompt": "p",
        "system_prompt": "s",
        "max_new_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 3,
        "stop_sequences": "a,b",
    }


@pytest.mark.parametrize("empty", [[], (), None])
def test_none_and_an_empty_stop_are_left_out(empty: Any) -> None:
    given = {"prompt": "p", "max_tokens": None, "stop": empty}
    assert to_model_inputs(given, None) == {"prompt": "p"}


def test_zero_and_empty_text_are_sent() -> None:
    given = {"prompt": "", "temperature": 0, "top_k": 0}
    assert to_model_inputs(given, None) == given


@pytest.mark.parametrize(
    ("parameter", "names"),
    [
        ("prompt", ["prompt"]),
        ("system_prompt", ["system_prompt", "system", "system_message", "system_instruction"]),
        (
            "max_tokens",
            [
                "max_new_tokens",
                "max_tokens",
                "max_completion_tokens",
                "max_output_tokens",
                "max_length",
            ],
        ),
        ("temperature", ["temperature"]),
        ("top_p", ["top_p"]),
        ("top_k", ["top_k"]),
        ("stop", ["stop_sequences", "stop"]),
        ("seed", ["seed", "random_seed"]),
        ("reasoning_effort", ["reasoning_effort", "thinking_level"]),
        ("verbosity", ["verbosity"]),
    ],
)
def test_a_known_model_is_sent_the_first_name_that_it_lists(
    parameter: str, names: list[str]
) -> None:
    for position, name in enumerate(names):
        listed = inputs(**dict.fromkeys(reversed(names[position:]), "string"))
        assert to_model_inputs({parameter: "x"}, listed) == {name: "x"}


def test_a_parameter_without_a_name_in_the_model_is_an_error_that_lists_what_it_takes() -> None:
    with pytest.raises(InvalidInputError, match=r"top_k=; it takes prompt, temperature") as raised:
        to_model_inputs({"prompt": "p", "top_k": 5}, inputs(prompt="string", temperature="number"))
    assert raised.value.hint == "Leave top_k out, or pass what you mean in extra_data."
    message = "This model has no input for top_k=; it takes prompt, temperature."
    assert raised.value.fields == [{"type": "client", "field": "top_k", "description": message}]


def limited(**limits: float) -> Inputs:
    """Return the input of a model that bounds its maximum of tokens."""
    properties = {"max_new_tokens": {"type": "integer", **limits}}
    return ModelSchema.parse({"Input": {"properties": properties}}).inputs


@pytest.mark.parametrize(
    ("limits", "tokens", "problem"),
    [
        ({"maximum": 5}, 6, "max_new_tokens must be at most 5, not 6"),
        ({"minimum": 2}, 1, "max_new_tokens must be at least 2, not 1"),
    ],
)
def test_a_value_beyond_what_the_model_takes_is_an_error_under_the_name_that_was_given(
    limits: dict[str, float], tokens: int, problem: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        to_model_inputs({"max_tokens": tokens}, limited(**limits))
    message = f"max_tokens= does not fit this model: {problem}."
    assert str(raised.value) == message
    assert raised.value.fields == [
        {"type": "client", "field": "max_tokens", "description": message}
    ]


@pytest.mark.parametrize("tokens", [2, 5])
def test_the_bounds_of_a_model_are_within_what_it_takes(tokens: int) -> None:
    known = limited(minimum=2, maximum=5)
    assert to_model_inputs({"max_tokens": tokens}, known) == {"max_new_tokens": tokens}


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (inputs(prompt="string", system_prompt="string"), "system_prompt"),
        (inputs(prompt="string", instructions="string"), "instructions"),
        (inputs(system_message="string", system="string"), "system"),
        (inputs(prompt="string"), None),
        (Inputs.empty(), None),
    ],
)
def test_the_input_for_what_comes_before_everything_else_is_known_by_its_name(
    known: Inputs, name: str | None
) -> None:
    assert system_input(known) == name


@pytest.mark.parametrize(
    ("stop", "known", "expected"),
    [
        ("END", None, {"stop_sequences": "END"}),
        ("a,b", None, {"stop_sequences": "a,b"}),
        (["a", "b"], None, {"stop_sequences": "a,b"}),
        (("a", "b"), inputs(stop="string"), {"stop": "a,b"}),
        (["a,b"], inputs(stop="array"), {"stop": ["a,b"]}),
        (("a", "b"), inputs(stop="array"), {"stop": ["a", "b"]}),
        ("a,b", inputs(stop_sequences="array"), {"stop_sequences": ["a,b"]}),
    ],
)
def test_stop_is_sent_as_the_model_takes_it(
    stop: Any, known: Inputs | None, expected: dict[str, object]
) -> None:
    assert to_model_inputs({"stop": stop}, known) == expected


@pytest.mark.parametrize(
    ("stop", "error"),
    [
        (["a,b"], COMMA),
        (["a", ","], COMMA),
        ([1], NO_STRINGS),
        (["a", None], NO_STRINGS),
        (7, NO_STRINGS),
    ],
)
def test_a_stop_that_the_model_would_misread_is_refused(stop: Any, error: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        to_model_inputs({"stop": stop}, None)
    assert str(raised.value) == error
