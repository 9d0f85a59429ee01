"""The body of a request for a chat, as OpenAI has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import json

from ..exceptions import InvalidInputError
from ..payloads.answer_types import AnswerForm, answer_form
from ..payloads.chat_input import Chat, parse_chat
from ..payloads.input_schema import Inputs
from ..payloads.messages import without_empty_replies
from .errors import GatewayError
from .request_body import field, json_body, required_text

_PARAMETERS: dict[str, type] = {
    "seed": int,
    "reasoning_effort": str,
    "verbosity": str,
    "top_k": int,
}
# Fields that say something to OpenAI, and nothing to a model.
_IGNORED = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)
# Fields of OpenAI's that are sent with these values to say nothing.
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "top_logprobs": (0,),
}
_SEPARATE = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "response_format",
        "stop",
        "temperature",
        "top_p",
    }
)
_JSON_OBJECT = {"type": "object"}
# Fields that only a model with an input of the same name can be sent.
_TOOLS = ("tools", "tool_choice", "functions", "function_call")
_MAX_CHOICES = 128  # as OpenAI has it


class ChatRequest(NamedTuple):
    """A request for a chat, validated as far as that is possible without the model's schema."""

    #: The model, as the client calls it.
    model: str
    chat: Chat
    #: What the reply must be, or None.
    form: AnswerForm | None
    #: How many replies are to be made, each by a prediction of its own.
    choices: int
    #: Whether to stream them.
    stream: bool
    #: Whether the stream ends with the usage.
    with_usage: bool
    #: The tools, and what is said of them; {} where there are none.
    tools: dict[str, object]

    def with_tools(self, model: object, inputs: Inputs) -> Chat:
        """Return the chat with its tools as inputs of the model.

        Args:
            model: The model, for an error.
            inputs: What it takes.

        Raises:
            GatewayError: It takes no tools.
        """
        extra: dict[str, object] = {}
        for name, value in self.tools.items():
            if name not in inputs:
                raise GatewayError(
                    400,
                    f"{model} calls no tools by {name!r}: it takes {', '.join(inputs) or 'text'}. "
                    "Nothing was sent.",
                    param=name,
                )
            is_text = inputs[name].type == "string" and not isinstance(value, str)
            extra[name] = json.dumps(value) if is_text else value
        return self.chat._replace(extra={**extra, **self.chat.extra})


def read_request() -> ChatRequest:
    """Return what the present request asks for.

    Raises:
        GatewayError: A field is wrong, or says something that cannot be passed on.
        InvalidInputError: The messages cannot be sent.
    """
    body = json_body()
    choices = field(body, "n", int)
    if choices is None:
        choices = 1
    if not 1 <= choices <= _MAX_CHOICES:
        raise GatewayError(400, f"'n' must be from 1 to {_MAX_CHOICES}.", param="n")
    options = field(body, "stream_options", dict) or {}
    return ChatRequest(
        required_text(body, "model"),
        _parse_chat(body),
        _form(body),
        choices,
        bool(field(body, "stream", bool)),
        bool(options.get("include_usage")),
        _tools(body),
    )


def _tools(body: Mapping[str, Any]) -> dict[str, object]:
    given = {name: body[name] for name in _TOOLS if body.get(name)}
    is_off = given.get("tool_choice") == "none" or given.get("function_call") == "none"
    if is_off or not (given.get("tools") or given.get("functions")):
        return {}
    if given.get("tool_choice") == "auto":
        del given["tool_choice"]  # which is what a model does by itself
    return given


def _parse_chat(body: Mapping[str, Any]) -> Chat:
    """Return the chat in a body.

    Raises:
        GatewayError: A field is wrong, or says something that cannot be passed on.
        InvalidInputError: The messages cannot be sent.
    """
    given = dict(body)
    parameters: dict[str, object] = {
        name: field(given, name, kind) for name, kind in _PARAMETERS.items()
    }
    parameters["temperature"] = _number(given, "temperature")
    parameters["top_p"] = _number(given, "top_p")
    parameters["max_tokens"] = field(given, "max_completion_tokens", int)
    if parameters["max_tokens"] is None:
        parameters["max_tokens"] = field(given, "max_tokens", int)
    parameters["stop"] = given.get("stop")
    messages = given.get("messages")
    if not isinstance(messages, list):
        raise GatewayError(400, "'messages' is needed, as a list.", param="messages")
    known = {*_IGNORED, *_SEPARATE, *_PARAMETERS, *_TOOLS}
    extra: dict[str, object] = {}
    for name, value in given.items():
        if name in known or value is None or value in _NEUTRAL.get(name, ()):
            continue
        extra[name] = value  # an input of the model's own
    return parse_chat(without_empty_replies(messages), parameters, extra)


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise GatewayError(400, f"{name!r} must be a number.", param=name)
    return value


def _form(body: Mapping[str, Any]) -> AnswerForm | None:
    """Return the form of the reply that a body asks for, or None for text."""
    given = body.get("response_format")
    if given is None:
        return None
    kind = given.get("type") if isinstance(given, Mapping) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return answer_form(_JSON_OBJECT)
    if kind == "json_schema":
        wrapper = given.get("json_schema")
        if isinstance(wrapper, Mapping) and isinstance(wrapper.get("schema"), Mapping):
            return answer_form(wrapper["schema"])
    raise InvalidInputError(
        "response_format must be of the type 'text', 'json_object' or 'json_schema'."
    )
