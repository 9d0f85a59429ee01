"""`/v1/chat/completions`: chats, whole and streamed, with one reply or several."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from functools import partial
from typing import Any, TypeVar

from flask import Response, json

from ..chats.call import ChatCall, ChatModel
from ..chats.structured import answer
from ..exceptions import ReplicateError
from ..payloads.answer_types import AnswerForm
from ..payloads.chat_input import Chat
from ..prediction.prediction import Prediction
from .chat_request import read_request
from .errors import to_gateway_error
from .operation import Operation
from .predictions import model_schema
from .work import ClientLeft, Work, result_of, work_for_client

_Result = TypeVar("_Result")


class ChatCompletions(Operation):
    """Chats by OpenAI's protocol."""

    def create(self) -> Response | dict[str, Any]:
        """Respond to the present request: a completion, or an event stream of its chunks."""
        request = read_request()
        ref = self._models.resolve(request.model)
        chat = request.chat
        if request.tools:
            chat = request.with_tools(ref, model_schema(self._client, ref).inputs)
        model = ChatModel(ref, self._client.predictions, takes_prompt=False)
        replies = [
            _Reply(index, model, _with_own_seed(chat, index), request.form)
            for index in range(request.choices)
        ]
        completion = _Completion(request.model, replies)
        if request.stream:
            return _stream(completion, with_usage=request.with_usage)
        return result_of(completion.whole)


def _with_own_seed(chat: Chat, index: int) -> Chat:
    """Return the chat of one of several replies, which the same seed would make the same."""
    seed = chat.parameters.get("seed")
    if index == 0 or not isinstance(seed, int):
        return chat
    return chat._replace(parameters={**chat.parameters, "seed": seed + index})


class _Completion:
    """The response to one request: one reply or several, each by a prediction of its own.

    Args:
        model: The model's name, as the client has sent it.
        replies: The replies.
    """

    def __init__(self, model: str, replies: list[_Reply]) -> None:
        self._model = model
        self._replies = replies
        self._created = int(time.time())
        self._id = ""

    def whole(self, work: Work) -> dict[str, Any]:
        """Return the completion."""

        def read(reply: _Reply) -> str:
            return "".join(reply.pieces(partial(self._begin, work)))

        texts = _for_each(read, self._replies)
        choices = [
            {
                "index": reply.index,
                "message": reply.message(text),
                "logprobs": None,
                "finish_reason": reply.finish_reason(),
            }
            for reply, text in zip(self._replies, texts, strict=True)
        ]
        return {**self._head("chat.completion"), "choices": choices, "usage": self._usage()}

    def chunks(self, work: Work, *, with_usage: bool) -> None:
        """Pass on the chunks of the completion; the first one when a prediction is there."""
        _for_each(partial(self._put_chunks, work), self._replies)
        if with_usage:
            head = self._head("chat.completion.chunk")
            work.put({**head, "choices": [], "usage": self._usage()})

    def _put_chunks(self, work: Work, reply: _Reply) -> None:
        def begin(prediction: Prediction) -> None:
            is_first = not reply.has_begun
            self._begin(work, prediction)
            if is_first:
                work.put(self._chunk(reply, {"role": "assistant", "content": ""}))

        for piece in reply.pieces(begin):
            work.put(self._chunk(reply, {"content": piece}))
        if reply.tool_calls:
            calls = [{"index": n, **call} for n, call in enumerate(reply.tool_calls)]
            work.put(self._chunk(reply, {"tool_calls": calls}))
        work.put(self._chunk(reply, {}, reply.finish_reason()))

    def _begin(self, work: Work, prediction: Prediction) -> None:
        self._id = self._id or prediction.id
        work.begin(prediction)

    def _head(self, object_name: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self._id or self._created}",
            "object": object_name,
            "created": self._created,
            "model": self._model,
        }

    def _chunk(
        self, reply: _Reply, delta: dict[str, object], finish_reason: str | None = None
    ) -> dict[str, Any]:
        choice = {
            "index": reply.index,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish_reason,
        }
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _usage(self) -> dict[str, Any]:
        usages = [reply.usage() for reply in self._replies]
        if len(usages) == 1:
            return usages[0]
        # Each reply has read the messages anew, and that is paid for as well.
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        return {name: sum(usage.get(name, 0) for usage in usages) for name in names}


class _Reply:
    """One reply.

    Args:
        index: Its number among the replies to the request.
        model: The model.
        chat: The chat.
        form: What the reply must be, or None.
    """

    def __init__(self, index: int, model: ChatModel, chat: Chat, form: AnswerForm | None) -> None:
        self.index = index
        self._model = model
        self._chat = chat
        self._form = form
        self._call = ChatCall(model, chat)
        self._prediction: Prediction | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a prediction has been created for it."""
        return self._prediction is not None

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The calls of tools in it."""
        return self._call.completion.tool_calls

    def pieces(self, on_start: Callable[[Prediction], None]) -> Iterator[str]:
        """Yield its text.

        Args:
            on_start: Called with each prediction as soon as it has been created.
        """

        def begin(prediction: Prediction) -> None:
            on_start(prediction)
            self._prediction = prediction

        if self._form is None:
            self._call.on_start = begin
            yield from self._call.stream(None)
        else:
            value = answer(self._model, self._chat, self._form, None, on_start=begin)
            yield json.dumps(value, ensure_ascii=False)

    def message(self, text: str) -> dict[str, Any]:
        """Return it as a message."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self.tool_calls:
            message["content"] = text or None
            message["tool_calls"] = self.tool_calls
        return message

    def finish_reason(self) -> str:
        """Return why it has ended."""
        if self._call.completion.finish_reason:
            return self._call.completion.finish_reason
        limit = self._chat.parameters.get("max_tokens")
        written = self.usage()["completion_tokens"]
        if isinstance(limit, int) and written >= limit:
            return "length"
        return "stop"

    def usage(self) -> dict[str, Any]:
        """Return its tokens."""
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


def _for_each(do: Callable[[_Reply], _Result], replies: list[_Reply]) -> list[_Result]:
    """Return what a function returns for each reply, all of them at once.

    The first error is raised at once; the client's leaving ends the others.
    """
    if len(replies) == 1:
        return [do(replies[0])]
    futures: list[Future[_Result]] = [Future() for _ in replies]

    def run(future: Future[_Result], reply: _Reply) -> None:
        try:
            future.set_result(do(reply))
        except BaseException as error:
            future.set_exception(error)

    for future, reply in zip(futures, replies, strict=True):
        threading.Thread(target=run, args=(future, reply), daemon=True).start()
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
    return [future.result() for future in futures]


def _stream(completion: _Completion, *, with_usage: bool) -> Response:
    work = work_for_client(lambda work: completion.chunks(work, with_usage=with_usage))
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
