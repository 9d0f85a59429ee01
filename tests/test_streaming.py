"""A stream may be cut, split, replayed or silent: the text is the model's, whole, or the error says that it is not."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import CHUNKED, CLOSE_DELIMITED, CUT, END, STREAM, Request, Wire, answer, chunk, event

from replicate_sync import (
    Polling,
    PredictionCanceled,
    PredictionFailed,
    PredictionTimeout,
    Replicate,
    Retries,
    StreamError,
)

Start = Callable[[Callable[[Request], Any]], Wire]

CHUNKS = ["Once", " upon", "\n", "", "a\nb", " é☃\u2028x", " ha", " ha", " ha", "\n\n", "the end"]
TEXT = "".join(CHUNKS)
DONE = event("{}", 999, "done")


class Model:
    """A scripted prediction: `stream(request, number)` gives the steps of each connection to its event stream."""

    def __init__(self, stream: Callable[[Request, int], Iterable[Any]]) -> None:
        self.stream = stream
        self.status = "processing"
        self.output: Any = None
        self.fields: dict[str, Any] = {}
        self.streams = 0
        self.looks = 0
        self.url = True
        self.ends_after_looks = 0

    def __call__(self, request: Request) -> Iterable[Any]:
        if request.path == "/s":
            self.streams += 1
            return self.stream(request, self.streams)
        if request.path.endswith("/cancel"):
            self.status = "canceled"
        elif request.method == "GET":
            self.looks += 1
            if self.looks == self.ends_after_looks:
                self.succeed()
        urls = {"stream": f"http://{request.headers['host']}/s"} if self.url else {}
        return [answer({"id": "p1", "status": self.status, "output": self.output, "urls": urls, **self.fields}, 201)]

    def succeed(self) -> None:
        self.status, self.output = "succeeded", CHUNKS


def events(first: int = 0, last: int | None = None, ids: bool = True, base: int = 0) -> list[bytes]:
    return [event(data, base + n if ids else None) for n, data in list(enumerate(CHUNKS))[first:last]]


def seen(request: Request) -> int:
    last = request.headers.get("last-event-id")
    return int(last.rpartition(":")[2]) + 1 if last else 0


def test_a_whole_stream_costs_two_requests_and_the_stream_host_gets_no_token(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CHUNKED, chunk(b": hi\n\n"), *map(chunk, events()), chunk(DONE), 5.0])
    server = wire(model)
    assert list(client_of(server).stream("a/b")) == [c for c in CHUNKS if c]
    assert [(r.method, r.path) for r in server.requests] == [("POST", "/v1/models/a/b/predictions"), ("GET", "/s")]
    assert "authorization" not in server.requests[1].headers
    assert server.requests[1].headers["accept"] == "text/event-stream"
    assert server.requests[1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("framing", ["chunked", "close", "length", "gzip"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_the_text_is_exact_however_the_bytes_come(wire: Start, client_of: Any, framing: str, ending: bytes) -> None:
    body = b"\xef\xbb\xbf: hi\n\n" + b"".join(events()) + b"event: logs\ndata: x\n\nevent: odd\ndata: y\n\n" + DONE
    body = body.replace(b"\n", ending)
    pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
    steps: list[Any] = {
        "chunked": [CHUNKED, *map(chunk, pieces), b"0\r\n\r\n"],
        "close": [CLOSE_DELIMITED, *pieces, END],
        "length": [STREAM + b"Content-Length: %d\r\n\r\n" % len(body), *pieces],
        "gzip": [STREAM + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(body), END],
    }[framing]
    server = wire(Model(lambda r, n: steps))
    assert "".join(client_of(server).stream("a/b")) == TEXT


@pytest.mark.parametrize("head", [CHUNKED, CLOSE_DELIMITED])
def test_an_event_is_given_when_it_comes_and_not_when_a_buffer_is_full(wire: Start, client_of: Any, head: bytes) -> None:
    sent: list[float] = []

    def stream(request: Request, number: int) -> Iterable[Any]:
        wrap = chunk if head is CHUNKED else bytes
        yield head
        for data in events():
            sent.append(time.monotonic())
            yield wrap(data)
            yield 0.02
        yield wrap(DONE)
        yield END

    server = wire(Model(stream))
    came = [time.monotonic() for _ in client_of(server).stream("a/b")]
    spoken = [t for t, c in zip(sent, CHUNKS, strict=True) if c]
    late = sorted(b - a for a, b in zip(spoken, came, strict=True))
    assert late[len(late) // 2] < 0.015  # the median: one slow moment of the machine is no buffer


@given(
    cuts=st.lists(st.integers(0, len(b"".join(events())) - 1), min_size=1, max_size=3),
    replays=st.booleans(),
    ids=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_at_any_byte_the_text_is_whole(wire: Start, client_of: Any, cuts: list[int], replays: bool, ids: bool) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        first = 0 if replays else seen(request)
        body = b"".join(events(first, ids=ids))
        if number <= len(cuts):
            return [CLOSE_DELIMITED, body[: cuts[number - 1]], END]
        return [CLOSE_DELIMITED, body + DONE, END]

    model = Model(stream)
    model.ends_after_looks = 8  # three barren connections in a row make a stream not worth it
    server = wire(model)
    try:
        assert "".join(client_of(server).stream("a/b")) == TEXT
        resumed = [r.headers.get("last-event-id") for r in server.seen("GET", "/s")][1:]
        assert ids or resumed == [None] * len(resumed)
    finally:
        server.close()


def test_a_replay_under_other_ids_is_recognised(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        return [CLOSE_DELIMITED, *events(0, 4 * number, base=100 * number), *([DONE] if number == 3 else []), END]

    model = Model(stream)
    model.ends_after_looks = 3
    assert "".join(client_of(wire(model)).stream("a/b")) == TEXT


def test_a_replay_that_stays_undecided_is_settled_by_the_output(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, event("ha", 0), END]
        return [CLOSE_DELIMITED, event("ha", 50), event("ha", 51), DONE, END]

    for output in (["ha", "ha", "ha"], ["ha", "ha"]):
        model = Model(stream)
        model.succeed = lambda m=model, o=output: (setattr(m, "status", "succeeded"), setattr(m, "output", o))  # type: ignore[method-assign,misc]
        model.ends_after_looks = 2
        assert "".join(client_of(wire(model)).stream("a/b")) == "".join(output)


@pytest.mark.parametrize(
    "gone",
    [
        [answer({"detail": "gone"}, 404)],
        [answer({"detail": "gone"}, 410)],
        [answer({"detail": "x"}, 500)],
        [answer(b"<html></html>", Content_Type="text/html")],
        [answer({"ok": 1})],
        [CUT],
        [CLOSE_DELIMITED, END],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_a_stream_that_is_gone_is_replaced_by_polling(wire: Start, client_of: Any, gone: list[Any], begun: bool) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        return [CLOSE_DELIMITED, *events(0, 3), END] if begun and number == 1 else gone

    model = Model(stream)
    model.ends_after_looks = 6
    assert "".join(client_of(wire(model)).stream("a/b")) == TEXT
    assert model.streams <= 4


def test_without_a_stream_url_the_new_part_of_each_look_is_given(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [])
    model.url = False
    shown: list[Any] = [None, CHUNKS[:2], CHUNKS[:2], CHUNKS[:5]]

    def look(request: Request) -> Iterable[Any]:
        if request.method == "GET":
            model.output = shown.pop(0) if shown else None
            if not shown:
                model.succeed()
        return Model.__call__(model, request)

    shown.append("last")
    assert list(client_of(wire(look)).stream("a/b")) == [TEXT[:9], TEXT[9:13], TEXT[13:]]


def test_a_prediction_that_is_there_at_once_is_not_streamed_again(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [])
    model.succeed()
    server = wire(model)
    assert list(client_of(server).stream("a/b")) == [TEXT]
    assert len(server.requests) == 1


def test_an_idle_close_in_a_cold_boot_is_no_fault(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED + chunk(b": hi\n\n")
        if number < 3:
            yield 1.1
            yield chunk(b":408: 408 Request Timeout\n\n") + b"0\r\n\r\n"
            return
        yield from map(chunk, [*events(), DONE])

    model = Model(stream)
    assert "".join(client_of(wire(model)).stream("a/b")) == TEXT
    assert model.streams == 3


@pytest.mark.parametrize("beats", [False, True])
def test_silence_is_doubted_after_the_timeout_even_where_comments_come(wire: Start, client_of: Any, beats: bool) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED
        yield from map(chunk, events(seen(request), 4))
        for _ in range(200):
            yield chunk(b": beat\n\n") if beats else b""
            yield 0.05

    model = Model(stream)
    model.ends_after_looks = 2
    began = time.monotonic()
    assert "".join(client_of(wire(model), timeout=0.2).stream("a/b")) == TEXT
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("name", ["logs", "ping"])
def test_events_that_tell_nothing_put_off_no_look(wire: Start, client_of: Any, name: str) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED
        for _ in range(200):
            yield chunk(event("x", None, name))
            yield 0.05

    for call in (lambda c: "".join(c.stream("a/b")), lambda c: "".join(c.predictions.create("a/b").wait().output)):
        model = Model(stream)
        model.ends_after_looks = 2
        began = time.monotonic()
        assert call(client_of(wire(model), timeout=0.2, polling=Polling(30, 0.2))) == TEXT
        assert time.monotonic() - began < 4


def test_a_stream_that_only_repeats_itself_is_given_up_and_does_not_use_up_the_looks(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CLOSE_DELIMITED, *events(0, 4, ids=n % 2 == 0), END])
    model.ends_after_looks = 8
    assert "".join(client_of(wire(model), polling=Polling(12, 0.05)).stream("a/b")) == TEXT
    assert model.streams <= 5


@pytest.mark.parametrize("shows", [[], ["a", "b", "a", "b"]])
def test_a_stream_without_ids_that_goes_on_where_it_was_cut_is_not_taken_for_a_replay(
    wire: Start, client_of: Any, shows: list[str]
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        return [CLOSE_DELIMITED, event("a"), event("b"), *([] if number == 1 else [event("{}", None, "done")]), END]

    model = Model(stream)
    model.output = shows
    model.succeed = lambda: vars(model).update(status="succeeded", output=["a", "b", "a", "b"])  # type: ignore[method-assign]
    model.ends_after_looks = 4
    assert "".join(client_of(wire(model)).stream("a/b")) == "abab"


def test_events_without_an_id_of_their_own_are_no_repetitions(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, event("a", 0), END]
        return [CLOSE_DELIMITED, event("a", 1), event("a"), event("b"), DONE, END]

    model = Model(stream)
    model.succeed = lambda: vars(model).update(status="succeeded", output=["a", "a", "a", "b"])  # type: ignore[method-assign]
    model.ends_after_looks = 3
    assert "".join(client_of(wire(model)).stream("a/b")) == "aaab"


def test_an_event_that_is_sent_twice_under_its_id_is_told_once(wire: Start, client_of: Any) -> None:
    twice = [piece for piece in events() for _ in range(2)]
    assert "".join(client_of(wire(Model(lambda r, n: [CLOSE_DELIMITED, *twice, DONE, END]))).stream("a/b")) == TEXT


def test_behind_a_look_that_was_ahead_the_stream_is_told_as_it_comes_again(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED
        yield from map(chunk, events(seen(request), 3 if number == 1 else None))
        if number == 1:
            yield 0.05
            yield END
        yield 5.0

    model = Model(stream)
    model.output = CHUNKS[:6]
    arriving = client_of(wire(model)).stream("a/b")
    got = ""
    while got != TEXT:
        got += next(arriving)
    arriving.close()


def test_an_error_event_is_the_failure_with_what_the_api_knows_of_it(wire: Start, client_of: Any) -> None:
    failing = [event(json.dumps({"detail": "Something went wrong"}), 3, "error"), event('{"reason": "error"}', 4, "done")]
    model = Model(lambda r, n: [CLOSE_DELIMITED, *events(0, 2), *failing, END])
    model.fields = {"status": "failed", "error": "CUDA out of memory", "logs": "loading\nboom\n"}
    got: list[str] = []
    server = wire(model)
    started = {"id": "p1", "status": "starting", "urls": {"stream": f"{server.origin}/s"}}
    server.answer = lambda r: [answer(started, 201)] if r.method == "POST" else model(r)
    with pytest.raises(PredictionFailed, match=r"CUDA out of memory[\s\S]*boom") as raised:
        got.extend(client_of(server).stream("a/b"))
    assert "".join(got) == TEXT[:9]
    assert raised.value.prediction.status == "failed"


@pytest.mark.parametrize("data", ['{"detail": "out of luck"}', "out of luck", '"out of luck"'])
def test_an_error_event_needs_no_json_and_no_answer_of_the_api(wire: Start, client_of: Any, data: str) -> None:
    server = wire(lambda r: [])
    started = {"id": "p1", "status": "starting", "urls": {"stream": f"{server.origin}/s"}}
    stream = [CLOSE_DELIMITED, event(data, 1, "error"), END]
    server.answer = lambda r: {"/s": stream, "/v1/predictions/p1": [CUT]}.get(r.path, [answer(started, 201)])
    with pytest.raises(PredictionFailed, match="out of luck"):
        list(client_of(server).stream("a/b"))


def test_a_stream_that_ends_because_it_was_canceled_is_no_short_answer(wire: Start, client_of: Any) -> None:
    canceled = event('{"reason": "canceled"}', 9, "done")
    with pytest.raises(PredictionCanceled):
        list(client_of(wire(Model(lambda r, n: [CLOSE_DELIMITED, *events(0, 2), canceled, END]))).stream("a/b"))


@pytest.mark.parametrize(
    ("status", "kind"), [("failed", PredictionFailed), ("canceled", PredictionCanceled), ("aborted", PredictionCanceled)]
)
def test_a_prediction_that_ended_while_the_stream_was_cut_is_told_by_its_status(
    wire: Start, client_of: Any, status: str, kind: type[Exception]
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status, model.output = status, CHUNKS[:4]
        return [CLOSE_DELIMITED, *events(0, 2), END]

    model = Model(stream)
    got: list[str] = []
    with pytest.raises(kind):
        got.extend(client_of(wire(model)).stream("a/b"))
    assert "".join(got) == "".join(CHUNKS[:4])


def test_a_stream_that_contradicts_the_output_is_an_error_with_the_text_so_far(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status, model.output = "succeeded", ["Twice upon"]
        return [CLOSE_DELIMITED, *events(0, 2), END]

    model = Model(stream)
    with pytest.raises(StreamError, match="not what the stream told") as raised:
        list(client_of(wire(model)).stream("a/b"))
    assert raised.value.text == TEXT[:9]
    assert raised.value.prediction.output == ["Twice upon"]


def test_an_output_that_was_removed_leaves_no_short_answer(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status, model.fields = "succeeded", {"data_removed": True}
        return [CLOSE_DELIMITED, *events(0, 2), END]

    model = Model(stream)
    with pytest.raises(StreamError, match="no longer has its output"):
        list(client_of(wire(model)).stream("a/b"))


def test_an_api_that_is_lost_while_a_stream_is_mended_is_an_error_with_the_text_so_far(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CLOSE_DELIMITED, *events(0, 2), END])
    server = wire(lambda r: [CUT] if r.path == "/v1/predictions/p1" else model(r))
    with pytest.raises(StreamError, match="broke after 9 characters") as raised:
        list(client_of(server, retries=Retries(attempts=2, first=0.01)).stream("a/b"))
    assert raised.value.text == TEXT[:9]
    assert raised.value.prediction.id == "p1"


def test_a_prediction_that_never_ends_times_out_and_runs_on(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CLOSE_DELIMITED, END])
    server = wire(model)
    with pytest.raises(PredictionTimeout) as raised:
        list(client_of(server, polling=Polling(4, 0.01)).stream("a/b"))
    assert model.looks == 4
    assert not [r for r in server.requests if r.path.endswith("cancel")]
    assert raised.value.prediction.id == "p1"


def test_as_long_as_text_comes_the_looks_start_afresh(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        first = seen(request)
        last = first + 1
        return [CLOSE_DELIMITED, *events(first, last), *([DONE] if last >= len(CHUNKS) else []), END]

    model = Model(stream)
    assert "".join(client_of(wire(model), polling=Polling(3, 0.01)).stream("a/b")) == TEXT
    assert model.streams == len(CHUNKS)


def test_a_done_that_the_api_does_not_show_yet_is_waited_for_shortly(wire: Start, client_of: Any) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        return [CLOSE_DELIMITED, event("{}", 1, "done"), END]

    model = Model(stream)
    model.ends_after_looks = 4
    began = time.monotonic()
    client_of(wire(model), polling=Polling(30, 5.0)).predictions.create("a/b").wait()
    assert time.monotonic() - began < 2


def test_a_generator_that_is_never_started_sends_nothing(wire: Start, client_of: Any) -> None:
    server = wire(Model(lambda r, n: []))
    client: Replicate = client_of(server)
    for generator in (client.stream("a/b"), client.chat("hi", "a/b")):
        generator.close()
    assert server.requests == []


@pytest.mark.parametrize("leave", ["close", "break", "raise"])
def test_who_leaves_early_closes_the_socket_and_pays_no_more(wire: Start, client_of: Any, leave: str) -> None:
    model = Model(lambda r, n: [CHUNKED, *map(chunk, events(0, 3)), 30.0])
    server = wire(model)
    client = client_of(server)
    began = time.monotonic()
    if leave == "close":
        generator = client.stream("a/b")
        assert next(generator) == "Once"
        generator.close()
    elif leave == "break":
        for _ in client.stream("a/b"):
            break
    else:
        with pytest.raises(KeyError, match="mine"):
            for _ in client.stream("a/b"):
                raise KeyError("mine")
    assert server.until(lambda: model.status == "canceled")
    assert time.monotonic() - began < 2


def test_who_asks_for_it_may_leave_a_prediction_running(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CHUNKED, *map(chunk, events(0, 3)), 30.0])
    server = wire(model)
    for _ in client_of(server).stream("a/b", cancel_on_exit=False):
        break
    assert [r.path for r in server.requests] == ["/v1/models/a/b/predictions", "/s"]


def test_a_stream_that_was_heard_to_its_end_is_not_canceled(wire: Start, client_of: Any) -> None:
    model = Model(lambda r, n: [CLOSE_DELIMITED, *events(), DONE, END])
    generator = client_of(wire(model)).stream("a/b")
    assert "".join(generator) == TEXT
    generator.close()
    assert model.status == "processing"
