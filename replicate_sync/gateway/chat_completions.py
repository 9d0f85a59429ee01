"""`/v1/chat/completions`: chats, whole and streamed."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from flask import Response, json

from ..chats.call import ChatCall, ChatModel
from ..chats.structured import answer
from ..exceptions import InvalidInputError, ReplicateError
from ..payloads.answer_types import AnswerForm, answer_form
from ..payloads.chat_input import Chat, parse_chat
from ..payloads.messages import without_empty_replies
from ..prediction.prediction import Prediction
from .errors import GatewayError, to_gateway_error
from .operation import Operation
from .request_body import field, json_body, required_text
from .work import ClientLeft, Work, result_of, work_for_client

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
        "n",
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
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
}
_SEPARATE = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "response_format",
        "stop",
        "temperature",
        "top_p",
    }
)
_JSON_OBJECT = {"type": "object"}


class ChatCompletions(Operation):
    """Chats by OpenAI's protocol."""

    def create(self) -> Response | dict[str, Any]:
        """Respond to the present request: a completion, or an event stream of its chunks."""
        body = json_body()
        name = required_text(body, "model")
        if body.get("n") not in (None, 1):
            raise GatewayError(400, "There is one choice only: leave out 'n'.", param="n")
        ref = self._models.resolve(name)
        model = ChatModel(ref, self._client.predictions, takes_prompt=False)
        reply = _Reply(model, _parse(body), _form(body), name)
        if field(body, "stream", bool):
            options = field(body, "stream_options", dict) or {}
            return _stream(reply, with_usage=bool(options.get("include_usage")))
        return result_of(reply.whole)


class _Reply:
    """The reply to one request.

    Args:
        model: The model.
        chat: The chat.
        form: What the reply must be, or None.
        name: The model's name, as the client has sent it.
    """

    def __init__(self, model: ChatModel, chat: Chat, form: AnswerForm | None, name: str) -> None:
        self._model = model
        self._chat = chat
        self._form = form
        self._name = name
        self._created = int(time.time())
        self._call = ChatCall(model, chat)
        self._prediction: Prediction | None = None

    def whole(self, work: Work) -> dict[str, Any]:
        """Return the completion."""
        text = "".join(self._pieces(work))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": self._finish_reason(),
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def chunks(self, work: Work, *, with_usage: bool) -> None:
        """Pass on the chunks of the completion; the first one when the prediction is there."""

        def begin() -> None:
            work.put(self._chunk({"role": "assistant", "content": ""}))

        for piece in self._pieces(work, begin):
            work.put(self._chunk({"content": piece}))
        work.put(self._chunk({}, self._finish_reason()))
        if with_usage:
            head = self._head("chat.completion.chunk")
            work.put({**head, "choices": [], "usage": self._usage()})

    def _pieces(self, work: Work, on_start: Callable[[], None] | None = None) -> Iterator[str]:
        def begin(prediction: Prediction) -> None:
            is_first = self._prediction is None
            self._prediction = prediction
            work.begin(prediction)
            if is_first and on_start is not None:
                on_start()

        if self._form is None:
            self._call.on_start = begin
            yield from self._call.stream(None)
        else:
            value = answer(self._model, self._chat, self._form, None, on_start=begin)
            yield json.dumps(value, ensure_ascii=False)

    def _head(self, object_name: str) -> dict[str, Any]:
        prediction = self._prediction
        number = prediction.id if prediction is not None else f"{self._created}"
        return {
            "id": f"chatcmpl-{number}",
            "object": object_name,
            "created": self._created,
            "model": self._name,
        }

    def _chunk(self, delta: dict[str, object], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _finish_reason(self) -> str:
        if self._call.completion.finish_reason:
            return self._call.completion.finish_reason
        limit = self._chat.parameters.get("max_tokens")
        written = self._usage()["completion_tokens"]
        if isinstance(limit, int) and written >= limit:
            return "length"
        return "stop"

    def _usage(self) -> dict[str, Any]:
        usage = self._call.completion.usage
        if "completion_tokens" in usage and "prompt_tokens" in usage:
            return dict(usage)
        prediction = self._prediction
        counts = [0, 0]
        if prediction is not None:
            if prediction.output_tokens is None and not prediction.ended:
                _reload(prediction)
            counts = [int(prediction.input_tokens or 0), int(prediction.output_tokens or 0)]
        return {
            "prompt_tokens": counts[0],
            "completion_tokens": counts[1],
            "total_tokens": sum(counts),
        }


def _reload(prediction: Prediction) -> None:
    """Fetch the metrics, which a stream does not bring."""
    try:
        prediction.reload()
    except ReplicateError:
        return  # the text is what was asked for; its tokens are not worth an error


def _stream(reply: _Reply, *, with_usage: bool) -> Response:
    work = work_for_client(lambda work: reply.chunks(work, with_usage=with_usage))
    items = work.items()
    first = next(items)  # what is wrong before the prediction is there has a status of its own

    def events() -> Generator[str, None, None]:
        try:
            yield _event(first)
            for item in items:
                yield _event(item)
        except ClientLeft:
            return
        except ReplicateError as error:
            yield _event(to_gateway_error(error).body)
            return
        finally:
            items.close()
        yield "data: [DONE]\n\n"

    response = Response(events(), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.call_on_close(items.close)  # also where not one event was written
    return response


def _event(item: object) -> str:
    return f"data: {json.dumps(item, ensure_ascii=False)}\n\n"


def _parse(body: Mapping[str, Any]) -> Chat:
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
    known = _IGNORED | _SEPARATE | set(_PARAMETERS)
    extra: dict[str, object] = {}
    for name, value in given.items():
        if name in known or value is None or value in _NEUTRAL.get(name, ()):
            continue
        if name in ("tools", "functions", "tool_choice", "function_call"):
            raise GatewayError(400, "Models here call no tools: leave out 'tools'.", param=name)
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
