"""Answers of a given form: asked for, parsed, validated, and repaired once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..deadline import Deadline
from ..exceptions import InvalidAnswerError
from ..payloads.answer_types import AnswerForm, strict_schema
from ..payloads.chat_input import Chat
from ..payloads.input_schema import Input, Inputs
from ..prediction.prediction import Prediction
from .call import ChatCall, ChatModel

_INSTRUCTION = (
    "Reply with one JSON value and nothing else: no explanation and no code fence. "
    "It must conform to this JSON schema:\n{}"
)
_REPAIR = (
    "That reply does not conform to the JSON schema: {}. Reply again, with the whole corrected "
    "JSON value and nothing else."
)
# The inputs with which a model takes a JSON schema that its reply is guaranteed to conform to.
_NATIVE_INPUTS = ("json_schema", "response_format", "response_schema", "output_schema")
_FENCE = re.compile(r"```[\w-]*\s*\n(.*?)```", re.DOTALL)
_decoder = json.JSONDecoder(parse_constant=lambda name: _refuse_constant(name))


def answer(
    model: ChatModel,
    chat: Chat,
    form: AnswerForm,
    deadline: float | None,
    *,
    cancel_on_exit: bool = True,
    on_start: Callable[[Prediction], None] | None = None,
) -> Any:
    """Block until a model has answered in a form, and return that.

    Args:
        model: The model.
        chat: The chat.
        form: What the answer must be.
        deadline: The seconds that all of it may take.
        cancel_on_exit: Whether an interruption cancels the prediction.
        on_start: Called with each prediction as soon as it has been created.

    Raises:
        InvalidAnswerError: The second answer does not conform either.
        ReplicateError: As `ChatCall.stream` does.
    """
    limit = Deadline(deadline)
    ChatCall(model, chat)  # raises what is wrong already
    native = _native_inputs(form, model.schema(limit).inputs)
    if native is None:
        schema = json.dumps(form.schema, ensure_ascii=False)
        chat = chat.with_instruction(_INSTRUCTION.format(schema))
    else:
        chat = chat._replace(extra={**native, **chat.extra})
    call = ChatCall(model, chat)
    call.on_start = on_start
    text = "".join(call.stream(limit, cancel_on_exit=cancel_on_exit))
    try:
        return form.parse(_value_of(call, text))
    except ValueError as error:
        repair = _REPAIR.format(error)
    chat = chat.with_turn("assistant", text or "(nothing)").with_turn("user", repair)
    call = ChatCall(model, chat)
    call.on_start = on_start
    text = "".join(call.stream(limit, cancel_on_exit=cancel_on_exit))
    try:
        return form.parse(_value_of(call, text))
    except ValueError as error:
        failure = InvalidAnswerError(
            f"{model.ref} answered twice with what does not conform to the schema: {error}.",
            hint="The last answer is in .text.",
        )
        failure.text = text
        failure.prediction = call.prediction
        raise failure from error


def parse_answer(text: str) -> object:
    """Return the JSON value in an answer, alone, in a code fence, or with words around it.

    Raises:
        ValueError: There is no value, more than one, or one that is cut off.
    """
    text = text.strip()
    fenced = _FENCE.findall(text)
    if len(fenced) == 1 and not text.startswith(("{", "[")):
        text = fenced[0].strip()
    start = min((text.find(sign) for sign in "{[" if sign in text), default=0)
    try:
        value, end = _decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if any(sign in text[end:] for sign in "{}[]"):
        raise ValueError("there is more than one JSON value in it")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _value_of(call: ChatCall, text: str) -> object:
    """Return the JSON value that a model answered with."""
    output = call.prediction.output if call.prediction is not None else None
    if isinstance(output, dict) and output.get("json_output") is not None:
        return output["json_output"]
    return parse_answer(text)


def _native_inputs(form: AnswerForm, inputs: Inputs) -> dict[str, object] | None:
    """Return the inputs with which the model guarantees the form, or None if it does not."""
    schema = strict_schema(form.schema)
    if schema is None:
        return None
    for name in _NATIVE_INPUTS:
        if name in inputs:
            return {name: _native_value(name, schema, inputs[name])}
    return None


def _native_value(name: str, schema: dict[str, Any], one: Input) -> object:
    named = {"name": "answer", "schema": schema, "strict": True}
    value: object = schema
    if name == "json_schema":
        value = {"format": {"type": "json_schema", **named}}
    elif name == "response_format":
        value = {"type": "json_schema", "json_schema": named}
    if one.type == "string":
        return json.dumps(value)
    return value
