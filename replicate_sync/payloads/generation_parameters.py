"""Generation parameters, under the names that a model has for them.

Language models on Replicate agree on `temperature`, `top_p` and `top_k` and on little else: one
takes `max_tokens`, the next `max_new_tokens`. A model whose schema is known is sent the first name
in the row below that its schema lists; any other model is sent the first name in the row.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..exceptions import InvalidInputError
from .input_schema import Inputs

_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "system_prompt": (
        "system_prompt",
        "system",
        "system_message",
        "system_instruction",
        "instructions",
    ),
    "max_tokens": (
        "max_new_tokens",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_length",
    ),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "stop": ("stop_sequences", "stop"),
    "seed": ("seed", "random_seed"),
    "reasoning_effort": ("reasoning_effort", "thinking_level"),
    "verbosity": ("verbosity",),
}


def to_model_inputs(parameters: Mapping[str, object], inputs: Inputs | None) -> dict[str, object]:
    """Return generation parameters as a model's input, without those that are None.

    Args:
        parameters: The arguments of `chat`, by name. An empty list for `stop` is as None.
        inputs: What the model takes; None or empty if that is not known.

    Raises:
        InvalidInputError: The model has no name for a parameter, its value is beyond what the model
            takes, or `stop` cannot be sent. No parameter is dropped silently.
    """
    model_inputs = {}
    for parameter, value in parameters.items():
        is_given = value is not None and not (parameter == "stop" and value in ([], ()))
        if is_given:
            name = _model_name(parameter, inputs)
            if parameter == "stop":
                value = _serialize_stop(value, as_list=_takes_list(name, inputs))
            _validate_range(parameter, name, value, inputs)
            model_inputs[name] = value
    return model_inputs


def system_input(inputs: Inputs) -> str | None:
    """Return the name of a model's input for what it is told before everything else, or None."""
    for name in _NAMES["system_prompt"]:
        if name in inputs:
            return name
    return None


def _validate_range(parameter: str, name: str, value: object, inputs: Inputs | None) -> None:
    if not inputs:
        return
    problem = inputs[name].limit_problem(value)
    if problem:
        raise _parameter_error(parameter, f"{parameter}= does not fit this model: {problem}.")


def _model_name(parameter: str, inputs: Inputs | None) -> str:
    """Return what the model calls a parameter."""
    names = _NAMES[parameter]
    if not inputs:
        return names[0]
    for name in names:
        if name in inputs:
            return name
    raise _parameter_error(
        parameter,
        f"This model has no input for {parameter}=; it takes {', '.join(inputs)}.",
        hint=f"Leave {parameter} out, or pass what you mean in extra_data.",
    )


def _parameter_error(parameter: str, message: str, *, hint: str = "") -> InvalidInputError:
    error = InvalidInputError(message, hint=hint)
    error.fields = [{"type": "client", "field": parameter, "description": message}]
    return error


def _takes_list(name: str, inputs: Inputs | None) -> bool:
    if not inputs:
        return False
    return inputs[name].type == "array"


def _serialize_stop(stop: object, *, as_list: bool) -> str | list[str]:
    """Return stop sequences as a list, or as one string where the model splits it at commas."""
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list | tuple) or not all(isinstance(s, str) for s in sequences):
        raise InvalidInputError("stop= must be a string or a list of strings.")
    if as_list:
        return list(sequences)
    if isinstance(stop, str):
        return stop
    if any("," in sequence for sequence in sequences):
        raise InvalidInputError(
            "A stop sequence with a comma in it cannot be sent in a list: "
            "the model splits what it gets at commas."
        )
    return ",".join(sequences)
