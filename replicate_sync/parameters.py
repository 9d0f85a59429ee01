"""Generation parameters, spelled as the model at hand spells them.

Language models on Replicate agree on `temperature`, `top_p` and `top_k` and on little else: one takes `max_tokens`, the
next `max_new_tokens`. The first spelling in each row below is sent to a model that is not known; where the schema is
known, the one that it lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InvalidInputError

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "system_prompt": ("system_prompt", "system", "system_message", "system_instruction"),
    "max_tokens": ("max_new_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens", "max_length"),
    "temperature": ("temperature",),
    "top_p": ("top_p",),
    "top_k": ("top_k",),
    "stop": ("stop_sequences", "stop"),
}


def spell(parameters: Mapping[str, Any], properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """Turn arguments into a model's input; those that are None are left out.

    `properties` is what the model takes, by name, or None where it is not known. Raises InvalidInputError for an
    argument that the model has no name for: none is dropped silently.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    if given.get("stop") in ([], ()):
        del given["stop"]
    return dict(_spelled(name, value, properties) for name, value in given.items())


def _spelled(name: str, value: Any, properties: Mapping[str, Any] | None) -> tuple[str, Any]:
    spellings = _SPELLINGS[name]
    known = spellings[:1] if properties is None else [s for s in spellings if s in properties]
    if not known:
        raise InvalidInputError(
            f"This model has no input for {name}=; it takes {', '.join(properties or ())}. "
            f"Leave {name} out, or pass what you mean in extra_data."
        )
    as_list = properties is not None and _is_array(properties[known[0]])
    return known[0], _stop(value, as_list=as_list) if name == "stop" else value


def _stop(value: Any, *, as_list: bool) -> str | list[str]:
    sequences = [value] if isinstance(value, str) else value
    if not isinstance(sequences, list | tuple) or not all(isinstance(sequence, str) for sequence in sequences):
        raise InvalidInputError("stop= must be a string or a list of strings.")
    if as_list:
        return list(sequences)
    if not isinstance(value, str) and any("," in sequence for sequence in sequences):
        raise InvalidInputError(
            "A stop sequence with a comma in it cannot be sent in a list: the model splits what it gets at commas."
        )
    return ",".join(sequences)


def _is_array(schema: Any) -> bool:
    return getattr(schema, "type", None) == "array"
