"""Chats by OpenAI's protocol, whole and streamed, and errors as OpenAI sends them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from replicate_sync import Replicate

from .conftest import ask, events_of

PATH = "/v1/chat/completions"
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def test_a_chat_is_a_completion_with_usage(gateway: FlaskClient) -> None:
    response = gateway.post(PATH, json=ask("me/echo", "Hi", temperature=0.5, max_tokens=7))
    assert response.status_code == 200
    body = response.json
    assert body["object"] == "chat.completion"
    assert body["id"].startswith("chatcmpl-")
    assert body["model"] == "me/echo"
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hi|0.5|7", "refusal": None}
    assert choice["finish_reason"] == "stop"
    assert set(body["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}


def test_a_stream_is_chunks_with_usage_where_that_is_asked_for(gateway: FlaskClient) -> None:
    body = ask("gpt", stream=True, stream_options={"include_usage": True})
    response = gateway.post(PATH, json=body)
    assert response.mimetype == "text/event-stream"
    first, *pieces, end, usage, done = events_of(response.text)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {chunk["object"] for chunk in (first, *pieces, end, usage)} == {"chat.completion.chunk"}
    assert {chunk["id"] for chunk in (first, *pieces, end, usage)} == {first["id"]}
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in pieces)
    assert text.startswith("I was given 1 message")
    assert end["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(text.split())
    assert done == "[DONE]"


def test_a_picture_reaches_the_model(gateway: FlaskClient) -> None:
    content = [
        {"type": "text", "text": "What?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ]
    body = gateway.post(PATH, json=ask("gpt", content)).json
    assert (
        "I was given 1 picture: a PNG of 1 × 1 pixels" in body["choices"][0]["message"]["content"]
    )


def test_an_empty_reply_of_before_is_left_out_as_openai_takes_it_too(gateway: FlaskClient) -> None:
    body = ask("me/echo")
    body["messages"] = [{"role": "assistant", "content": ""}, *body["messages"]]
    assert gateway.post(PATH, json=body).json["choices"][0]["message"]["content"] == "Bees?|1|9"


def test_a_reply_that_ran_out_of_tokens_says_so(gateway: FlaskClient) -> None:
    body = gateway.post(PATH, json=ask("meta/llama-2-7b", max_tokens=5)).json
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 5


def test_what_completion_objects_say_of_the_tokens_is_passed_on(gateway: FlaskClient) -> None:
    body = gateway.post(PATH, json=ask("local/completions", max_tokens=5)).json
    assert len(body["choices"][0]["message"]["content"].split()) == 5
    assert body["usage"] == {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_of_a_form_is_its_json(gateway: FlaskClient, stream: bool) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = ask("openai/gpt-5-structured", response_format=form, stream=stream)
    response = gateway.post(PATH, json=body)
    if stream:
        text = events_of(response.text)[1]["choices"][0]["delta"]["content"]
    else:
        text = response.json["choices"][0]["message"]["content"]
    assert json.loads(text) == {"a": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    "schema", [{"properties": 5}, {"type": "text"}, {"pattern": "("}, {"minimum": "1"}]
)
def test_a_form_that_is_none_is_the_callers_error(
    gateway: FlaskClient, schema: dict[str, Any]
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    response = gateway.post(PATH, json=ask("openai/gpt-5-structured", response_format=form))
    assert response.status_code == 400
    assert "in the JSON schema must be" in response.json["error"]["message"]


def test_several_replies_are_choices_each_of_a_prediction_of_its_own(
    gateway: FlaskClient, client: Replicate
) -> None:
    before = {one.id for one in client.predictions.list()}
    body = gateway.post(PATH, json=ask("me/seeded", n=3, seed=7)).json
    contents = [choice["message"]["content"] for choice in body["choices"]]
    assert contents == ["seed 7", "seed 8", "seed 9"]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert len({one.id for one in client.predictions.list()} - before) == 3
    whole = gateway.post(PATH, json=ask("gpt")).json
    several = gateway.post(PATH, json=ask("gpt", n=3)).json
    counts = [whole["usage"][name] * 3 for name in sorted(whole["usage"])]
    assert [several["usage"][name] for name in sorted(several["usage"])] == counts


def test_several_replies_are_streamed_at_once_with_their_indexes(gateway: FlaskClient) -> None:
    options = {"include_usage": True}
    body = ask("me/seeded", n=2, seed=7, stream=True, stream_options=options)
    *chunks, usage, done = events_of(gateway.post(PATH, json=body).text)
    assert len({chunk["id"] for chunk in chunks}) == 1
    for index in range(2):
        choices = [chunk["choices"][0] for chunk in chunks]
        own = [choice for choice in choices if choice["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        text = "".join(choice["delta"].get("content", "") for choice in own)
        assert (text, own[-1]["finish_reason"]) == (f"seed {7 + index}", "stop")
    assert (usage["choices"], done) == ([], "[DONE]")


@pytest.mark.parametrize("stream", [False, True])
def test_tools_go_to_a_model_that_takes_them_and_its_calls_come_back(
    gateway: FlaskClient, stream: bool
) -> None:
    body = ask("me/tools", tools=TOOLS, tool_choice="auto", stream=stream)
    response = gateway.post(PATH, json=body)
    if stream:
        choices = [chunk["choices"][0] for chunk in events_of(response.text)[:-1]]
        [calls] = [one["delta"]["tool_calls"] for one in choices if "tool_calls" in one["delta"]]
        assert [call.pop("index") for call in calls] == [0]
    else:
        choices = response.json["choices"]
        calls = choices[0]["message"]["tool_calls"]
        assert choices[0]["message"]["content"] is None
    function = {"name": "weather", "arguments": '{"city": "Bern"}'}
    assert calls == [{"id": "call_1", "type": "function", "function": function}]
    assert choices[-1]["finish_reason"] == "tool_calls"


def test_tools_that_are_not_to_be_called_are_left_out(gateway: FlaskClient) -> None:
    body = ask("me/echo", tools=TOOLS, tool_choice="none")
    assert gateway.post(PATH, json=body).json["choices"][0]["message"]["content"] == "Bees?|1|9"


def test_what_says_nothing_is_left_out(gateway: FlaskClient) -> None:
    nothing: dict[str, Any] = {
        "n": 1,
        "user": "me",
        "metadata": {"a": "b"},
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "logprobs": False,
        "tools": [],
        "response_format": {"type": "text"},
        "stop": None,
        "max_completion_tokens": 4,
    }
    body = gateway.post(PATH, json=ask("me/echo", "Hi", **nothing)).json
    assert body["choices"][0]["message"]["content"] == "Hi|1|4"


@pytest.mark.parametrize(
    ("body", "status", "message", "code"),
    [
        (ask("nothing"), 404, "does not name a model", "model_not_found"),
        (ask("nobody/nothing"), 404, "nobody/nothing", "model_not_found"),
        (ask("claude", max_tokens=9), 400, "max_tokens must be at least 1024", None),
        (ask("gpt", temperature=0.5), 400, "no input for temperature=; it takes prompt", None),
        (ask("me/echo", "", stream=True), 400, "None of the messages has any text", None),
        (
            ask("me/echo", [{"type": "image_url", "image_url": {"url": PIXEL}}, {"text": "a"}]),
            400,
            "me/echo takes no image: it takes prompt",
            None,
        ),
        (ask("me/echo", n=0), 400, "'n' must be from 1 to 128", None),
        (ask("me/echo", n=129), 400, "'n' must be from 1 to 128", None),
        (ask("me/echo", n=2.5), 400, "'n' is of a wrong type", None),
        (ask("me/echo", tools=TOOLS), 400, "no tools by 'tools': it takes prompt, temp", None),
        (ask("me/echo", functions=[{"name": "f"}]), 400, "no tools by 'functions'", None),
        (ask("me/tools", tools=TOOLS, tool_choice="required"), 400, "'tool_choice'", None),
        (ask("me/breaks", n=3), 500, "no more", "model_failed"),
        (ask("me/echo", temperature="hot"), 400, "'temperature' must be a number", None),
        (ask("me/echo", max_tokens=True), 400, "'max_tokens' is of a wrong type", None),
        (ask("me/echo", response_format={"type": "xml"}), 400, "response_format must be", None),
        (ask("me/echo", presence_penalty=1), 400, "presence_penalty", None),
        ({"model": "me/echo", "messages": "Hi"}, 400, "'messages' is needed", None),
        ({"messages": []}, 400, "'model' is needed", None),
        (ask("black-forest-labs/flux-schnell"), 400, "returns a list of files", None),
        (ask("me/breaks"), 500, "no more", "model_failed"),
    ],
)
def test_an_error_is_one_of_openais(
    gateway: FlaskClient, body: Any, status: int, message: str, code: str | None
) -> None:
    response = gateway.post(PATH, json=body)
    assert response.status_code == status, response.text
    error = response.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert message in error["message"]
    assert error["code"] == code
    # A client of OpenAI's sends again what failed, and a prediction may have been paid for.
    assert (response.headers.get("x-should-retry") == "false") == (status >= 500)


@pytest.mark.slow
def test_an_error_in_a_stream_is_an_event_and_ends_it(gateway: FlaskClient) -> None:
    response = gateway.post(PATH, json=ask("me/breaks", stream=True))
    assert response.status_code == 200
    *_, piece, error = events_of(response.text)
    assert piece["choices"][0]["delta"] == {"content": "half"}
    assert "no more" in error["error"]["message"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_json_object_is_an_error(
    gateway: FlaskClient, data: bytes, content_type: str, status: int
) -> None:
    response = gateway.post(PATH, data=data, content_type=content_type)
    assert response.status_code == status
    assert response.json["error"]["type"] == "invalid_request_error"


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_cancels_its_prediction(
    gateway: FlaskClient, client: Replicate, stream: bool
) -> None:
    asked_at = time.monotonic()
    leaving = {"waitress.client_disconnected": lambda: time.monotonic() > asked_at + 0.5}
    response = gateway.post(
        PATH, json=ask("me/drip", stream=stream), environ_overrides=leaving, buffered=False
    )
    if stream:
        next(iter(response.response))
    response.close()
    prediction = next(iter(client.predictions.list(limit=1)))
    assert prediction.reload().status == "canceled"
