"""A stream may be cut, split, replayed or silent: its text is the model's, or an error says so."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import (
    CHUNKED,
    CLOSE_DELIMITED,
    CUT,
    END,
    STREAM,
    MakeClient,
    Request,
    StartWire,
    Wire,
    chunk,
    event,
    response,
)

from replicate_sync import (
    Polling,
    PredictionCanceled,
    PredictionFailed,
    PredictionTimeout,
    Replicate,
    Retries,
    StreamError,
)

PIECES = ["Once", " upon", "\n", "", "a\nb", " é☃\u2028x", " ha", " ha", " ha", "\n\n", "the end"]
TEXT = "".join(PIECES)
DONE = event("{}", 999, "done")
PROMPT = Polling(attempts=30, delay=0.001)


class ScriptedModel:
    """An API with one prediction.

    Args:
        stream: Returns the steps of a connection to the event stream, from the request and the
            number of the connection, from 1.
        ends_at_poll: The poll that first shows the end, from 1; 0 for none.
        output: The output at the end.
    """

    def __init__(
        self,
        stream: Callable[[Request, int], Iterable[Any]] = lambda request, number: [],
        *,
        ends_at_poll: int = 0,
        output: list[str] = PIECES,
    ) -> None:
        self.stream = stream
        self.ends_at_poll = ends_at_poll
        self.final_output = output
        self.status = "processing"
        self.output: Any = None
        self.fields: dict[str, Any] = {}
        self.has_stream_url = True
        self.connections = 0
        self.polls = 0

    def __call__(self, request: Request) -> Iterable[Any]:
        if request.path == "/s":
            self.connections += 1
            return self.stream(request, self.connections)
        if request.path.endswith("/cancel"):
            self.status = "canceled"
        elif request.method == "GET":
            self.polls += 1
            if self.polls == self.ends_at_poll:
                self.succeed()
        urls = {}
        if self.has_stream_url:
            urls["stream"] = f"http://{request.headers['host']}/s"
        state = {"id": "p1", "status": self.status, "output": self.output, "urls": urls}
        return [response({**state, **self.fields}, 201)]

    def succeed(self) -> None:
        self.status = "succeeded"
        self.output = self.final_output


def output_events(
    first: int = 0, last: int | None = None, *, has_ids: bool = True, base: int = 0
) -> list[bytes]:
    """Return the output events of the pieces in this range, with ids that count from `base`."""
    return [
        event(PIECES[number], base + number if has_ids else None)
        for number in range(len(PIECES))[first:last]
    ]


def resume_position(request: Request) -> int:
    """Return the piece that comes after the one that a reconnect names."""
    last_id = request.headers.get("last-event-id")
    return int(last_id.rpartition(":")[2]) + 1 if last_id else 0


def closing_stream(*events: bytes) -> Callable[[Request, int], list[Any]]:
    """Return a stream that sends these events on each connection, and closes it."""
    return lambda request, number: [CLOSE_DELIMITED, *events, END]


def text_of(client: Replicate) -> str:
    return "".join(client.stream("a/b"))


# -- The text is exact -----------------------------------------------------------------------------


def test_a_whole_stream_costs_two_requests_and_its_host_gets_no_token(
    wire: StartWire, client_of: MakeClient
) -> None:
    steps = [CHUNKED, chunk(b": hi\n\n"), *map(chunk, output_events()), chunk(DONE), 5.0]
    server = wire(ScriptedModel(lambda request, number: steps))
    assert list(client_of(server).stream("a/b")) == [piece for piece in PIECES if piece]
    create, stream = server.requests
    assert (create.method, create.path) == ("POST", "/v1/models/a/b/predictions")
    assert (stream.method, stream.path) == ("GET", "/s")
    assert "authorization" not in stream.headers
    assert stream.headers["accept"] == "text/event-stream"
    assert stream.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("framing", ["chunked", "close", "length", "gzip"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_the_text_is_exact_however_the_bytes_arrive(
    wire: StartWire, client_of: MakeClient, framing: str, line_end: bytes
) -> None:
    other_events = b"event: logs\ndata: x\n\nevent: odd\ndata: y\n\n"
    body = b"\xef\xbb\xbf: hi\n\n" + b"".join(output_events()) + other_events + DONE
    body = body.replace(b"\n", line_end)
    pieces = [body[i : i + 7] for i in range(0, len(body), 7)]
    steps: dict[str, list[Any]] = {
        "chunked": [CHUNKED, *map(chunk, pieces), b"0\r\n\r\n"],
        "close": [CLOSE_DELIMITED, *pieces, END],
        "length": [STREAM + b"Content-Length: %d\r\n\r\n" % len(body), *pieces],
        "gzip": [STREAM + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(body), END],
    }
    server = wire(ScriptedModel(lambda request, number: steps[framing]))
    assert text_of(client_of(server)) == TEXT


@pytest.mark.parametrize("head", [CHUNKED, CLOSE_DELIMITED])
def test_a_piece_is_yielded_before_the_next_one_is_sent(
    wire: StartWire, client_of: MakeClient, head: bytes
) -> None:
    arrived: list[str] = []
    arrived_before: list[int] = []

    def stream(request: Request, number: int) -> Iterable[Any]:
        wrap = chunk if head is CHUNKED else bytes
        yield head
        for count, piece in enumerate(filter(None, PIECES)):
            server.until(lambda count=count: len(arrived) >= count, 1)
            arrived_before.append(len(arrived))
            yield wrap(event(piece, count))
        yield wrap(DONE)
        yield END

    server = wire(ScriptedModel(stream))
    for piece in client_of(server).stream("a/b"):
        arrived.append(piece)
    assert arrived_before == list(range(len(arrived)))


@pytest.mark.slow
@given(
    cuts=st.lists(st.integers(0, len(b"".join(output_events())) - 1), min_size=1, max_size=3),
    replays=st.booleans(),
    has_ids=st.booleans(),
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_text_is_whole_wherever_the_connection_is_cut(
    wire: StartWire, client_of: MakeClient, cuts: list[int], replays: bool, has_ids: bool
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        first = 0 if replays else resume_position(request)
        body = b"".join(output_events(first, has_ids=has_ids))
        if number <= len(cuts):
            return [CLOSE_DELIMITED, body[: cuts[number - 1]], END]
        return [CLOSE_DELIMITED, body + DONE, END]

    # Three connections in a row without news end the stream; then the output has the rest.
    model = ScriptedModel(stream, ends_at_poll=8)
    server = wire(model)
    try:
        assert text_of(client_of(server, polling=PROMPT)) == TEXT
        resumed = [r.headers.get("last-event-id") for r in server.seen("GET", "/s")][1:]
        assert has_ids or resumed == [None] * len(resumed)
    finally:
        server.close()


def test_a_replay_under_other_ids_is_recognized(wire: StartWire, client_of: MakeClient) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CLOSE_DELIMITED
        yield from output_events(0, 4 * number, base=100 * number)
        if number == 3:
            yield DONE
        yield END

    assert text_of(client_of(wire(ScriptedModel(stream, ends_at_poll=3)))) == TEXT


@pytest.mark.parametrize("output", [["ha", "ha", "ha"], ["ha", "ha"]])
def test_the_output_decides_what_a_replay_leaves_open(
    wire: StartWire, client_of: MakeClient, output: list[str]
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, event("ha", 0), END]
        return [CLOSE_DELIMITED, event("ha", 50), event("ha", 51), DONE, END]

    model = ScriptedModel(stream, ends_at_poll=2, output=output)
    assert text_of(client_of(wire(model))) == "".join(output)


@pytest.mark.parametrize("polled", [[], ["a", "b", "a", "b"]])
def test_a_stream_without_ids_that_resumes_is_not_taken_for_a_replay(
    wire: StartWire, client_of: MakeClient, polled: list[str]
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CLOSE_DELIMITED + event("a") + event("b")
        if number > 1:
            yield event("{}", None, "done")
        yield END

    model = ScriptedModel(stream, ends_at_poll=4, output=["a", "b", "a", "b"])
    model.output = polled
    assert text_of(client_of(wire(model))) == "abab"


def test_events_without_an_id_of_their_own_are_no_repetitions(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, event("a", 0), END]
        return [CLOSE_DELIMITED, event("a", 1), event("a"), event("b"), DONE, END]

    model = ScriptedModel(stream, ends_at_poll=3, output=["a", "a", "a", "b"])
    assert text_of(client_of(wire(model))) == "aaab"


@pytest.mark.parametrize("output", [PIECES, [piece for piece in PIECES for _ in range(2)]])
def test_the_output_decides_what_an_event_that_is_sent_twice_under_its_id_counts(
    wire: StartWire, client_of: MakeClient, output: list[str]
) -> None:
    twice = [piece for piece in output_events() for _ in range(2)]
    model = ScriptedModel(closing_stream(*twice, DONE), ends_at_poll=2, output=output)
    assert text_of(client_of(wire(model))) == "".join(output)


@pytest.mark.parametrize("number", [None, 7])
@pytest.mark.parametrize("polled", [0, 2, 9])
def test_the_same_token_again_under_the_same_id_is_not_dropped(
    wire: StartWire, client_of: MakeClient, number: int | None, polled: int
) -> None:
    words = ["ha", "ha", " ho", " ho", "ha", "ha", "!", "!", "?"]
    model = ScriptedModel(
        closing_stream(*(event(word, number) for word in words), DONE),
        ends_at_poll=3,
        output=words,
    )
    server = wire(model)
    model.output = None
    server.respond = outputs_at_polls(model, [words[:polled]])
    assert_each_step_is_a_prefix(client_of(server).stream("a/b"), "".join(words))


def outputs_at_polls(
    model: ScriptedModel, outputs: list[Any]
) -> Callable[[Request], Iterable[Any]]:
    """Return what responds as the model does; its first polls show these outputs."""

    def reply(request: Request) -> Iterable[Any]:
        if request.path == "/v1/predictions/p1" and model.polls < len(outputs):
            model.output = outputs[model.polls]
        return model(request)

    return reply


def assert_each_step_is_a_prefix(pieces: Iterable[str], truth: str) -> None:
    text = ""
    for piece in pieces:
        text += piece
        assert truth.startswith(text)
    assert text == truth


@pytest.mark.parametrize("has_ids", [True, False])
@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("polled", [[], ["one ", "two "], ["one ", "two ", "three ", "f"]])
def test_a_server_that_resumes_with_what_is_written_now_leaves_no_gap(
    wire: StartWire, client_of: MakeClient, has_ids: bool, first: int, polled: list[str]
) -> None:
    words = ["one ", "two ", "three ", "four ", "five"]

    def words_from(first: int, last: int) -> list[bytes]:
        return [
            event(word, first + number if has_ids else None)
            for number, word in enumerate(words[first:last])
        ]

    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, *words_from(0, first), END]
        return [CLOSE_DELIMITED, *words_from(3, 5), DONE, END]

    model = ScriptedModel(stream, ends_at_poll=4, output=words)
    server = wire(model)
    server.respond = outputs_at_polls(model, [polled, polled])
    assert_each_step_is_a_prefix(client_of(server).stream("a/b"), "".join(words))


@pytest.mark.parametrize("first", [0, 4])
@pytest.mark.parametrize("polled", [None, PIECES[:2], PIECES[:6]])
def test_a_stream_that_is_joined_late_has_no_gap(
    wire: StartWire, client_of: MakeClient, first: int, polled: list[str] | None
) -> None:
    model = ScriptedModel(closing_stream(*output_events(first), DONE), ends_at_poll=4)
    server = wire(model)
    server.respond = outputs_at_polls(model, [polled, polled])
    prediction = client_of(server).predictions.get("p1")
    assert_each_step_is_a_prefix(prediction.stream(), TEXT)


def test_a_stream_that_does_not_begin_at_the_beginning_does_not_pass_for_whole(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(*output_events(4), DONE), ends_at_poll=1)
    with pytest.raises(StreamError, match="not what the stream brought") as raised:
        text_of(client_of(wire(model)))
    assert raised.value.prediction is not None
    assert "".join(raised.value.prediction.output) == TEXT


@pytest.mark.slow
def test_a_stream_whose_create_was_held_back_is_joined_late(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(*output_events(4), DONE), ends_at_poll=3)

    def reply(request: Request) -> Iterable[Any]:
        if request.method == "POST":
            yield 2.1
        yield from model(request)

    prediction = client_of(wire(reply)).predictions.create("a/b", wait=3)
    assert_each_step_is_a_prefix(prediction.stream(), TEXT)


@pytest.mark.slow
def test_a_stream_that_is_opened_some_time_after_the_create_is_joined_late(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(*output_events(4), DONE), ends_at_poll=3)
    prediction = client_of(wire(model)).predictions.create("a/b")
    time.sleep(0.7)
    assert_each_step_is_a_prefix(prediction.stream(), TEXT)


def test_a_stream_that_is_opened_before_the_model_starts_is_yielded_as_it_arrives(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(lambda r, n: [CHUNKED, *map(chunk, output_events()), 5.0])
    model.fields = {"status": "starting"}
    pieces = client_of(wire(model)).predictions.get("p1").stream()
    text = ""
    while text != TEXT:
        text += next(pieces)
    pieces.close()


@pytest.mark.slow
def test_a_stream_that_is_joined_late_is_yielded_as_it_arrives_once_a_poll_has_shown_where_it_is(
    wire: StartWire, client_of: MakeClient
) -> None:
    words = [f"the word number {number}, " for number in range(40)]

    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED
        yield from (chunk(event(word)) for word in words[:20])
        yield 0.6
        yield from (chunk(event(word)) for word in words[20:])
        yield 5.0

    model = ScriptedModel(stream)
    model.output = words[:25]
    pieces = client_of(wire(model)).predictions.get("p1").stream()
    text = ""
    while text != "".join(words):
        text += next(pieces)
    assert model.polls <= 4
    pieces.close()


@pytest.mark.parametrize("is_cut", [False, True])
def test_objects_are_compared_as_values_and_not_as_they_are_written(
    wire: StartWire, client_of: MakeClient, is_cut: bool
) -> None:
    objects = [{"b": "é", "a": 1.0}, {"c": [1, {"d": None}]}, ["x"], "text", 5]
    spelled = ['{"a":1,"b":"\\u00e9"}', '{ "c": [1,{"d":null}] }', '["x"]', "text", "5"]

    def stream(request: Request, number: int) -> Iterable[Any]:
        first = resume_position(request)
        last = 3 if is_cut and number == 1 else 5
        yield CLOSE_DELIMITED
        yield from (event(spelled[i], i) for i in range(first, last))
        if last == 5:
            yield DONE
        yield END

    model = ScriptedModel(stream, ends_at_poll=2, output=objects)  # type: ignore[arg-type]
    server = wire(model)
    server.respond = outputs_at_polls(model, [objects[:2]])
    assert text_of(client_of(server)) == "".join(spelled)


def test_a_broken_stream_of_objects_is_completed_from_the_output(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(
        closing_stream(event('{"a":1}', 0)), ends_at_poll=1, output=[{"a": 1}, {"b": 2}]
    )  # type: ignore[list-item]
    assert text_of(client_of(wire(model))) == '{"a":1}{"b": 2}'


def test_after_a_poll_that_was_ahead_the_stream_is_yielded_as_it_arrives(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED
        if number == 1:
            model.output = PIECES[:6]
            yield from map(chunk, output_events(0, 3))
            yield END
        yield from map(chunk, output_events(resume_position(request)))
        yield 5.0

    model = ScriptedModel(stream)
    stream_of_text = client_of(wire(model)).stream("a/b")
    text = ""
    while text != TEXT:
        text += next(stream_of_text)
    stream_of_text.close()


# -- Streams that are of no use --------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        [response({"detail": "gone"}, 404)],
        [response({"detail": "gone"}, 410)],
        [response({"detail": "x"}, 500)],
        [response(b"<html></html>", Content_Type="text/html")],
        [response({"ok": 1})],
        [CUT],
        [CLOSE_DELIMITED, END],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
    ],
    ids=["404", "410", "500", "html", "json", "reset", "empty", "204"],
)
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_stream_that_is_gone_is_replaced_by_polling(
    wire: StartWire, client_of: MakeClient, failure: list[Any], has_begun: bool
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if has_begun and number == 1:
            return [CLOSE_DELIMITED, *output_events(0, 3), END]
        return failure

    model = ScriptedModel(stream, ends_at_poll=6)
    assert text_of(client_of(wire(model), polling=PROMPT)) == TEXT
    assert model.connections <= 4


def test_without_a_stream_url_the_new_part_of_each_poll_is_yielded(
    wire: StartWire, client_of: MakeClient
) -> None:
    outputs = [None, PIECES[:2], PIECES[:2], PIECES[:5]]
    model = ScriptedModel(ends_at_poll=len(outputs) + 1)
    model.has_stream_url = False

    def reply(request: Request) -> Iterable[Any]:
        if request.method == "GET" and model.polls < len(outputs):
            model.output = outputs[model.polls]
        return model(request)

    assert list(client_of(wire(reply)).stream("a/b")) == [TEXT[:9], TEXT[9:13], TEXT[13:]]


def test_a_prediction_that_has_ended_at_once_is_not_streamed(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel()
    model.succeed()
    server = wire(model)
    assert list(client_of(server).stream("a/b")) == [TEXT]
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_stream_that_only_repeats_itself_is_given_up_and_uses_up_no_more_than_its_polls(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        return [CLOSE_DELIMITED, *output_events(0, 4, has_ids=number % 2 == 0), END]

    model = ScriptedModel(stream, ends_at_poll=8)
    assert text_of(client_of(wire(model), polling=Polling(12, 0.01))) == TEXT
    assert model.connections <= 5


@pytest.mark.scale
def test_an_idle_stream_that_is_closed_in_a_cold_boot_has_not_failed(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED + chunk(b": hi\n\n")
        if number <= 4:
            yield 1.1
            yield chunk(b":408: 408 Request Timeout\n\n") + b"0\r\n\r\n"
            return
        yield from map(chunk, [*output_events(), DONE])

    model = ScriptedModel(stream)
    assert text_of(client_of(wire(model))) == TEXT
    assert model.connections == 5


def stream_without_output(beat: bytes) -> Callable[[Request, int], Iterable[Any]]:
    """Return a stream that sends four pieces, and then nothing but this, for ever."""

    def stream(request: Request, number: int) -> Iterable[Any]:
        yield CHUNKED + b"".join(map(chunk, output_events(resume_position(request), 4)))
        while True:
            yield beat
            yield 0.02

    return stream


@pytest.mark.slow
def test_a_silent_stream_is_left_for_a_poll_after_the_timeout(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(stream_without_output(b""), ends_at_poll=1)
    started = time.monotonic()
    assert text_of(client_of(wire(model), timeout=0.3)) == TEXT
    assert time.monotonic() - started < 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "beat",
    [b"", chunk(b": beat\n\n"), chunk(event("x", None, "logs"))],
    ids=["silence", "comments", "logs"],
)
def test_a_stream_without_output_does_not_put_off_the_polls_of_a_wait(
    wire: StartWire, client_of: MakeClient, beat: bytes
) -> None:
    model = ScriptedModel(stream_without_output(beat), ends_at_poll=2)
    started = time.monotonic()
    client = client_of(wire(model), polling=Polling(30, 0.1))
    assert "".join(client.predictions.create("a/b").wait().output) == TEXT
    assert time.monotonic() - started < 4


# -- Ends and errors -------------------------------------------------------------------------------


def starting(server: Wire, model: ScriptedModel) -> Callable[[Request], Iterable[Any]]:
    """Return what responds as the model does, but with a prediction that is starting at first."""
    created = {"id": "p1", "status": "starting", "urls": {"stream": f"{server.origin}/s"}}

    def reply(request: Request) -> Iterable[Any]:
        return [response(created, 201)] if request.method == "POST" else model(request)

    return reply


def test_an_error_event_is_the_failure_with_what_the_api_says_of_it(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(
        closing_stream(
            *output_events(0, 2),
            event(json.dumps({"detail": "Something went wrong"}), 3, "error"),
            event('{"reason": "error"}', 4, "done"),
        )
    )
    model.fields = {
        "status": "failed",
        "error": "CUDA out of memory",
        "logs": "loading\nboom\n",
    }
    server = wire(model)
    server.respond = starting(server, model)
    text: list[str] = []
    with pytest.raises(PredictionFailed, match=r"CUDA out of memory[\s\S]*boom") as raised:
        text.extend(client_of(server).stream("a/b"))
    assert "".join(text) == TEXT[:9]
    assert raised.value.prediction.status == "failed"


@pytest.mark.parametrize("data", ['{"detail": "out of luck"}', "out of luck", '"out of luck"'])
def test_an_error_event_needs_neither_json_nor_a_poll_that_works(
    wire: StartWire, client_of: MakeClient, data: str
) -> None:
    model = ScriptedModel(closing_stream(event(data, 1, "error")))
    server = wire(model)
    reply = starting(server, model)
    server.respond = lambda r: [CUT] if r.path == "/v1/predictions/p1" else reply(r)
    with pytest.raises(PredictionFailed, match="out of luck") as raised:
        list(client_of(server, retries=Retries(attempts=1)).stream("a/b"))
    assert raised.value.prediction.id == "p1"


def test_a_stream_that_was_canceled_is_not_a_short_text(
    wire: StartWire, client_of: MakeClient
) -> None:
    canceled = event('{"reason": "canceled"}', 9, "done")
    model = ScriptedModel(closing_stream(*output_events(0, 2), canceled))
    with pytest.raises(PredictionCanceled):
        list(client_of(wire(model)).stream("a/b"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("failed", PredictionFailed),
        ("canceled", PredictionCanceled),
        ("aborted", PredictionCanceled),
    ],
)
def test_a_prediction_that_ended_while_its_stream_was_cut_is_judged_by_its_status(
    wire: StartWire, client_of: MakeClient, status: str, kind: type[Exception]
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status = status
        model.output = PIECES[:4]
        return [CLOSE_DELIMITED, *output_events(0, 2), END]

    model = ScriptedModel(stream)
    text: list[str] = []
    with pytest.raises(kind):
        text.extend(client_of(wire(model)).stream("a/b"))
    assert "".join(text) == "".join(PIECES[:4])


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_prediction_without_output_that_did_not_succeed_is_judged_by_its_status(
    wire: StartWire, client_of: MakeClient, status: str
) -> None:
    model = ScriptedModel()
    model.status = status
    with pytest.raises((PredictionFailed, PredictionCanceled)):
        list(client_of(wire(model)).stream("a/b"))


def test_a_stream_that_contradicts_the_output_is_an_error_with_the_text_so_far(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(
        closing_stream(*output_events(0, 2)), ends_at_poll=1, output=["Twice upon"]
    )
    with pytest.raises(StreamError, match="not what the stream brought") as raised:
        list(client_of(wire(model)).stream("a/b"))
    assert raised.value.text == TEXT[:9]
    assert raised.value.prediction.output == ["Twice upon"]


def test_a_failure_is_the_error_also_where_the_stream_contradicts_the_output(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status = "failed"
        model.output = ["Twice upon"]
        return [CLOSE_DELIMITED, *output_events(0, 2), END]

    model = ScriptedModel(stream)
    with pytest.raises(PredictionFailed):
        list(client_of(wire(model)).stream("a/b"))


def test_an_output_that_was_removed_is_not_a_short_text(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        model.status = "succeeded"
        model.fields = {"data_removed": True}
        return [CLOSE_DELIMITED, *output_events(0, 2), END]

    model = ScriptedModel(stream)
    with pytest.raises(StreamError, match="no longer has its output"):
        list(client_of(wire(model)).stream("a/b"))


def test_success_without_any_output_is_an_empty_text(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel()
    model.status = "succeeded"
    assert list(client_of(wire(model)).stream("a/b")) == []


def test_a_piece_that_fits_nowhere_is_not_yielded_and_the_output_has_the_text(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, event("Once", None), END]
        return [CLOSE_DELIMITED, event("odd", None), event("more", None), END]

    model = ScriptedModel(stream, ends_at_poll=3, output=["Once", " upon"])
    assert text_of(client_of(wire(model))) == "Once upon"


def test_an_api_that_is_lost_while_a_stream_is_resumed_is_an_error_with_the_text_so_far(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(*output_events(0, 2)))
    server = wire(lambda r: [CUT] if r.path == "/v1/predictions/p1" else model(r))
    client = client_of(server, retries=Retries(attempts=2, first=0.01))
    with pytest.raises(StreamError, match="broke after 9 characters") as raised:
        list(client.stream("a/b"))
    assert raised.value.text == TEXT[:9]
    assert raised.value.prediction.id == "p1"


@pytest.mark.slow
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_resumed_stream_is_whole_at_its_done_event_also_where_no_poll_shows_the_end(
    wire: StartWire, client_of: MakeClient, is_lost: bool
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        first = resume_position(request)
        if number == 1:
            return [CLOSE_DELIMITED, *output_events(0, 2), END]
        return [CLOSE_DELIMITED, *output_events(first), DONE, END]

    model = ScriptedModel(stream)
    polls: list[Request] = []

    def reply(request: Request) -> Iterable[Any]:
        if request.path == "/v1/predictions/p1":
            polls.append(request)
            if is_lost and len(polls) > 1:
                return [CUT]
        return model(request)

    client = client_of(wire(reply), retries=Retries(attempts=1))
    assert text_of(client) == TEXT
    assert len(polls) == (2 if is_lost else 6)


def test_a_resumed_stream_is_compared_with_the_output_at_its_end(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        if number == 1:
            return [CLOSE_DELIMITED, *output_events(0, 2), END]
        # The ids go on, and the text does not.
        return [CLOSE_DELIMITED, *output_events(2, 5), DONE, END]

    model = ScriptedModel(stream, ends_at_poll=3)
    assert text_of(client_of(wire(model))) == TEXT
    assert model.polls == 3


def test_a_prediction_that_never_ends_times_out_and_is_not_canceled(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream())
    with pytest.raises(PredictionTimeout) as raised:
        list(client_of(wire(model), polling=Polling(4, 0.001)).stream("a/b"))
    assert model.polls == 4
    assert model.status == "processing"
    assert raised.value.prediction.id == "p1"


@pytest.mark.slow
def test_as_long_as_text_arrives_the_polling_attempts_start_afresh(
    wire: StartWire, client_of: MakeClient
) -> None:
    def stream(request: Request, number: int) -> Iterable[Any]:
        first = resume_position(request)
        yield CLOSE_DELIMITED
        yield from output_events(first, first + 1)
        if first + 1 == len(PIECES):
            yield DONE
        yield END

    model = ScriptedModel(stream)
    assert text_of(client_of(wire(model), polling=Polling(3, 0.001))) == TEXT
    assert model.connections == len(PIECES)


@pytest.mark.slow
def test_a_done_event_that_the_api_does_not_show_yet_is_waited_for_shortly(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(DONE), ends_at_poll=4)
    started = time.monotonic()
    client_of(wire(model), polling=Polling(30, 5.0)).predictions.create("a/b").wait()
    assert time.monotonic() - started < 2


# -- Leaving early ---------------------------------------------------------------------------------


def test_a_generator_that_is_never_started_sends_nothing(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(ScriptedModel())
    client: Replicate = client_of(server)
    for generator in (client.stream("a/b"), client.chat("hi", "a/b")):
        generator.close()
    assert server.requests == []


def endless_model() -> ScriptedModel:
    return ScriptedModel(lambda request, number: [CHUNKED, *map(chunk, output_events(0, 3)), 30.0])


@pytest.mark.parametrize("leave", ["close", "break", "raise"])
def test_leaving_early_cancels_the_prediction(
    wire: StartWire, client_of: MakeClient, leave: str
) -> None:
    model = endless_model()
    server = wire(model)
    client = client_of(server)
    started = time.monotonic()
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
    assert time.monotonic() - started < 2


def test_leaving_early_cancels_nothing_where_that_was_asked_for(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(endless_model())
    for _ in client_of(server).stream("a/b", cancel_on_exit=False):
        break
    assert [r.path for r in server.requests] == ["/v1/models/a/b/predictions", "/s"]


def test_a_stream_that_was_read_to_its_end_is_not_canceled(
    wire: StartWire, client_of: MakeClient
) -> None:
    model = ScriptedModel(closing_stream(*output_events(), DONE))
    generator = client_of(wire(model)).stream("a/b")
    assert "".join(generator) == TEXT
    generator.close()
    assert model.status == "processing"
