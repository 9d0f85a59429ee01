"""The event stream, to the byte, and when it ends."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer
from replicate_sync.server.job_spec import JobSpec
from replicate_sync.server.streams import stream_events

IDS = re.compile(rb"id: \d+:\d+\n")


IDLE = b":408: 408 Request Timeout\n\n"


def bare(stream: bytes) -> bytes:
    """The stream with every id written the same."""
    return IDS.sub(b"id: -\n", stream)


def test_a_stream_is_the_documented_bytes(local: LocalServer, call: Any) -> None:
    @local.model("me/pieces")
    def pieces() -> Iterator[str]:
        yield from ["Once", " upon", "\n", "", "a\nb", "\N{SNOWMAN}", "x\r\ny\rz"]

    stream = call.events(call.run("me/pieces"))
    assert bare(stream) == (
        b": hi\n\n"
        b"event: output\nid: -\ndata: Once\n\n"
        b"event: output\nid: -\ndata:  upon\n\n"
        b"event: output\nid: -\ndata: \ndata: \n\n"
        b"event: output\nid: -\ndata: \n\n"
        b"event: output\nid: -\ndata: a\ndata: b\n\n"
        b"event: output\nid: -\ndata: \xe2\x98\x83\n\n"
        b"event: output\nid: -\ndata: x\ndata: y\ndata: z\n\n"
        b"event: done\nid: -\ndata: {}\n\n" + IDLE
    )


def test_ids_are_seconds_and_a_number_within_the_second(local: LocalServer, call: Any) -> None:
    prediction = call.run("google-deepmind/gemma-2b-it", {"prompt": "hello", "max_new_tokens": 5})
    ids = [
        tuple(map(int, found))
        for found in re.findall(rb"id: (\d+):(\d+)\n", call.events(prediction))
    ]
    assert len(ids) == 6
    assert ids == sorted(set(ids))
    assert ids[0][1] == 0


def test_a_failure_is_an_error_and_then_done(local: LocalServer, call: Any) -> None:
    @local.model("me/breaks")
    def breaks() -> Iterator[str]:
        yield "a"
        raise ValueError('no "more"')

    assert bare(call.events(call.run("me/breaks"))) == (
        b": hi\n\nevent: output\nid: -\ndata: a\n\n"
        b'event: error\nid: -\ndata: {"detail": "no \\"more\\""}\n\n'
        b'event: done\nid: -\ndata: {"reason": "error"}\n\n' + IDLE
    )


def test_a_cancel_is_an_event(local: LocalServer, call: Any) -> None:
    go = threading.Event()

    @local.model("me/waits")
    def waits() -> Iterator[str]:
        yield "a"
        go.wait(5)
        yield "b"

    prediction = call.create("me/waits", {})
    call.until(prediction, lambda body: body["output"] == ["a"])
    call.post(prediction["urls"]["cancel"])
    go.set()
    end = b'event: done\nid: -\ndata: {"reason": "canceled"}\n\n'
    assert (
        bare(call.events(prediction)) == b": hi\n\nevent: output\nid: -\ndata: a\n\n" + end + IDLE
    )


def test_items_that_are_no_strings_are_json(local: LocalServer, call: Any) -> None:
    @local.model("me/things")
    def things() -> Iterator[dict[str, Any]]:
        yield {"a": 1, "b": "é"}
        yield {"a": [None, True]}

    stream = bare(call.events(call.run("me/things")))
    assert 'data: {"a": 1, "b": "é"}\n'.encode() in stream
    assert b'data: {"a": [null, true]}\n' in stream


@pytest.mark.slow
def test_a_stream_resumes_after_the_last_id(local: LocalServer, call: Any) -> None:
    prediction = call.run(
        "meta/meta-llama-3-70b-instruct", {"prompt": "hello", "max_tokens": 8, "seed": 1}
    )
    whole = call.events(prediction)
    for last in re.findall(rb"id: (\d+:\d+)\n", whole)[::4]:
        rest = whole.partition(b"id: " + last + b"\n")[2].partition(b"\n\n")[2]
        assert call.events(prediction, Last_Event_ID=last.decode()) == b": hi\n\n" + rest


def test_an_unknown_last_id_replays_everything(local: LocalServer, call: Any) -> None:
    prediction = call.run("google-deepmind/gemma-2b-it", {"prompt": "hello", "max_new_tokens": 3})
    assert call.events(prediction, Last_Event_ID="1:999") == call.events(prediction)


def test_silence_ends_a_stream_without_done(local: LocalServer, call: Any) -> None:
    @local.model("me/cold", boot=60)
    def cold() -> Iterator[str]:
        yield "a"

    prediction = call.create("me/cold", {})
    assert call.events(prediction) == b": hi\n\n" + IDLE
    assert call.get(prediction["urls"]["get"]).json()["status"] == "starting"


def test_events_come_as_they_happen(local: LocalServer, call: Any) -> None:
    local.idle_timeout = 5
    received = threading.Event()

    @local.model("me/waits_for_reader")
    def waits_for_reader() -> Iterator[str]:
        yield "first"
        yield "in time" if received.wait(4) else "late"

    prediction = call.create("me/waits_for_reader", {})
    seen = b""
    with requests.get(prediction["urls"]["stream"], stream=True, timeout=5) as response:
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        for piece in response.iter_content(None):
            seen += piece
            if b"data: first\n" in seen:
                received.set()
            if b"event: done" in seen:
                break
    assert b"data: in time\n" in seen


def test_a_stream_needs_its_url_and_no_token(local: LocalServer, call: Any) -> None:
    assert call.get("/v1/streams/guessed").status_code == 404
    assert requests.get(f"{local.origin}/v1/streams/guessed", timeout=5).status_code == 404


def test_only_iterators_have_a_stream(local: LocalServer, call: Any) -> None:
    assert "stream" not in call.create("replicate/hello-world", {"text": "you"})["urls"]
    assert "stream" in call.create("google-deepmind/gemma-2b-it", {"prompt": "you"})["urls"]


@pytest.mark.slow
def test_a_client_that_leaves_ends_its_stream(local: LocalServer) -> None:
    model = local.models.get("google-deepmind/gemma-2b-it")
    assert model is not None
    job = local.jobs.create(JobSpec(model, "hidden", {"prompt": "x"}, local.origin))
    ours, theirs = socket.socketpair()
    with ours:
        stream = stream_events(job, None, 60, lambda: False, ours)
        assert next(stream) == b": hi\n\n"
        theirs.close()
        assert list(stream) == []


def test_a_client_that_has_sent_more_ends_its_stream_too(local: LocalServer) -> None:
    model = local.models.get("google-deepmind/gemma-2b-it")
    assert model is not None
    job = local.jobs.create(JobSpec(model, "hidden", {"prompt": "x"}, local.origin))
    job.cancel()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1")
        stream = stream_events(job, None, 0.02, lambda: False, ours)
        assert bare(b"".join(stream)) == (
            b': hi\n\nevent: done\nid: -\ndata: {"reason": "canceled"}\n\n' + IDLE
        )


def test_what_has_happened_comes_in_one_piece(local: LocalServer, call: Any) -> None:
    prediction = call.run("google-deepmind/gemma-2b-it", {"prompt": "hello", "max_new_tokens": 9})
    job = local.jobs.get(prediction["id"])
    assert job is not None
    events, idle = stream_events(job, None, 0.02, lambda: False, None)
    assert idle == IDLE
    assert events.startswith(b": hi\n\nevent: output\n")
    assert events.count(b"event: output\n") == 9
    assert b"event: done\n" in events
