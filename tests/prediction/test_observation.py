"""What happens to a prediction is told once, in order, whichever way it is waited for."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from wire import CHUNKED, LAST_CHUNK, MakeClient, Request, StartWire, Wire, chunk, event, response

from replicate_sync import PredictionFailed, Replicate, ReplicateError
from replicate_sync.events import PredictionEvent
from replicate_sync.server import LocalServer

BAR = " 50%|#####     | 5/10 [00:01<00:01]"
FULL = "100%|##########| 10/10 [00:02<00:00]"
METRICS = {"predict_time": 1.5, "total_time": 2.0}


class Api:
    """Responds with these states of one prediction in turn, the first to its create."""

    def __init__(self, wire: StartWire, *states: dict[str, Any], stream: Any = None) -> None:
        self.states = list(states)
        self.stream = stream
        self.server: Wire = wire(self.respond)

    def respond(self, request: Request) -> list[Any]:
        if request.path == "/stream":
            return list(self.stream)
        state = self.states[0]
        if len(self.states) > 1:
            self.states.pop(0)
        if "status_code" in state:
            return [response({"detail": "busy"}, state["status_code"])]
        full = {"id": "p1", "model": "a/b", "input": {}, **state}
        if self.stream is not None:
            full["urls"] = {"stream": f"{self.server.origin}/stream"}
        return [response(full, 201 if request.method == "POST" else 200)]


def kinds(events: list[PredictionEvent]) -> list[str]:
    return [one.kind for one in events]


def test_a_run_is_told_from_its_creation_to_its_end(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(
        wire,
        {"status": "starting"},
        {"status": "starting"},
        {"status": "processing", "logs": BAR},
        {"status": "processing", "logs": BAR},
        {"status": "succeeded", "logs": FULL, "output": 1, "metrics": METRICS},
    )
    events: list[PredictionEvent] = []
    client = client_of(api.server, on_event=events.append)
    assert client.run("a/b") == 1
    assert kinds(events) == ["created", "queued", "started", "progress", "progress", "ended"]
    assert {one.id for one in events} == {"p1"}
    assert {one.model for one in events} == {"a/b"}
    assert [one.progress for one in events[3:5]] == [0.5, 1.0]
    assert [one.status for one in events] == [
        "starting", "starting", "processing", "processing", "succeeded", "succeeded",
    ]  # fmt: skip
    assert events[-1].metrics == METRICS
    assert [one.time for one in events] == sorted(one.time for one in events)


def test_two_threads_that_wait_for_one_prediction_are_told_once(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api(
        wire,
        {"status": "starting"},
        {"status": "succeeded", "logs": FULL, "output": 1, "metrics": METRICS},
    )
    events: list[PredictionEvent] = []

    def listen(event: PredictionEvent) -> None:
        time.sleep(0.02)  # as one does that writes a file
        events.append(event)

    prediction = client_of(api.server, on_event=listen).predictions.create("a/b")
    threads = [threading.Thread(target=prediction.reload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds(events)) == ["created", "ended", "progress", "queued", "started"]


def test_one_request_may_bring_all_of_it(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(wire, {"status": "succeeded", "output": 1, "metrics": METRICS})
    events: list[PredictionEvent] = []
    client_of(api.server, on_event=events.append).run("a/b")
    assert kinds(events) == ["created", "started", "ended"]


def test_a_failure_has_its_reason(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(wire, {"status": "starting"}, {"status": "failed", "error": "out of memory"})
    events: list[PredictionEvent] = []
    with pytest.raises(PredictionFailed):
        client_of(api.server, on_event=events.append).run("a/b")
    assert kinds(events) == ["created", "queued", "ended"]
    assert (events[-1].status, events[-1].error) == ("failed", "out of memory")


def test_it_starts_where_its_logs_say_so(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(
        wire, {"status": "starting"}, {"status": "starting", "logs": "x"}, {"status": "succeeded"}
    )
    events: list[PredictionEvent] = []
    client_of(api.server, on_event=events.append).predictions.create("a/b").wait()
    assert kinds(events) == ["created", "queued", "started", "ended"]


@pytest.mark.parametrize("status", ["canceled", "aborted"])
def test_what_is_canceled_has_no_other_end(
    wire: StartWire, client_of: MakeClient, status: str
) -> None:
    api = Api(wire, {"status": "starting"}, {"status": status, "metrics": {"predict_time": 0}})
    events: list[PredictionEvent] = []
    client_of(api.server, on_event=events.append).predictions.create("a/b").cancel()
    assert kinds(events)[-1] == "canceled"
    assert events[-1].metrics == {"predict_time": 0}


def test_a_prediction_of_another_process_is_told_from_the_wait_on(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Api(
        wire,
        {"status": "processing"},
        {"status": "processing", "logs": BAR},
        {"status": "succeeded", "output": 1},
    )
    events: list[PredictionEvent] = []
    client = client_of(api.server, on_event=events.append)
    found = client.predictions.get("p1")
    assert events == []
    found.wait()
    assert kinds(events) == ["progress", "ended"]
    found.wait()
    assert kinds(events) == ["progress", "ended"]


def test_a_text_that_is_streamed_has_an_end_with_metrics(
    wire: StartWire, client_of: MakeClient
) -> None:
    stream = [CHUNKED, chunk(event("Hi", 1)), chunk(event("{}", 2, "done")), LAST_CHUNK]
    ended = {"status": "succeeded", "output": ["Hi"], "metrics": METRICS}
    api = Api(wire, {"status": "starting"}, ended, stream=stream)
    events: list[PredictionEvent] = []
    client = client_of(api.server, on_event=events.append)
    for text in client.stream("a/b"):
        assert text == "Hi"
        assert kinds(events) == ["created", "queued", "started"]
    assert kinds(events) == ["created", "queued", "started", "ended"]
    assert events[-1].metrics == METRICS


def test_retries_are_told_with_their_request(wire: StartWire, client_of: MakeClient) -> None:
    api = Api(wire, {"status_code": 429}, {"status": "succeeded", "output": 1})
    events: list[PredictionEvent] = []
    client_of(api.server, on_event=events.append).run("a/b")
    assert kinds(events) == ["retried", "created", "started", "ended"]
    retried = events[0]
    assert (retried.request, retried.attempt) == ("POST /v1/models/a/b/predictions", 1)
    assert "429" in retried.error
    assert retried.pause >= 0


def test_an_error_of_a_listener_changes_nothing(wire: StartWire, client_of: MakeClient) -> None:
    def broken(event: PredictionEvent) -> None:
        raise OSError("no disk")

    api = Api(wire, {"status": "starting"}, {"status": "succeeded", "output": 1})
    assert client_of(api.server, on_event=broken).run("a/b") == 1


def test_each_file_that_is_saved_is_told_with_its_path(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    output = ["data:image/png;base64,YWJj", "data:image/png;base64,ZGVm"]
    api = Api(wire, {"status": "succeeded", "output": output})
    events: list[PredictionEvent] = []
    client = client_of(api.server, on_event=events.append)
    files = client.run("a/b", save=tmp_path)
    assert [file.path.name for file in files] == ["0-out-0.png", "1-out-1.png"]
    assert [file.read() for file in files] == [b"abc", b"def"]
    assert kinds(events) == ["created", "started", "ended", "saved", "saved"]
    assert [Path(one.path) for one in events[-2:]] == [file.path for file in files]


def test_a_file_that_cannot_be_saved_is_an_error_with_the_prediction(
    wire: StartWire, client_of: MakeClient, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    api = Api(wire, {"status": "succeeded", "output": ["data:image/png;base64,YWJj"]})
    with pytest.raises(ReplicateError, match="could not be saved") as raised:
        client_of(api.server).run("a/b", save=tmp_path / "file" / "folder")
    assert raised.value.prediction is not None
    api = Api(wire, {"status": "succeeded", "output": ["https://127.0.0.1:1/x.png"]})
    client = client_of(api.server, file_hosts=["replicate.delivery"])
    prediction = client.predictions.create("a/b")
    prediction.output = ["data:image/png;base64,@"]
    with pytest.raises(ReplicateError, match="cannot be parsed") as raised:
        prediction.save(tmp_path)
    assert raised.value.prediction is prediction


# -- Usage -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_usage_of_a_client_is_that_of_the_server() -> None:
    prices = {"black-forest-labs/flux-schnell": 0.5}
    with LocalServer() as server:
        client = Replicate(server.token, base_url=server.url, prices=prices)
        for name in ("a", "b"):
            client.run("replicate/hello-world", {"text": name})
        client.run("black-forest-labs/flux-schnell", {"prompt": "x", "num_outputs": 2})
        list(client.map("replicate/hello-world", [{"text": "c"}, {"text": "d"}]))
        assert list(client.chat("Hi")) != []
        chat = client.default_model
        usage = client.usage
        listed = list(client.predictions.list(limit=6))
        assert usage.total.predictions == 6
        seconds = sum(p.metrics["predict_time"] for p in listed)
        assert usage.total.seconds == pytest.approx(seconds)
        assert usage["replicate/hello-world"].predictions == 4
        flux = usage["black-forest-labs/flux-schnell"]
        assert flux.images == 2
        assert flux.cost == pytest.approx(0.5 * (flux.seconds or 0))
        assert usage[chat].output_tokens == sum(p.output_tokens or 0 for p in listed)
        assert usage.total.cost is None


def test_the_metrics_of_a_streamed_text_are_fetched_when_they_are_read(
    wire: StartWire, client_of: MakeClient
) -> None:
    stream = [CHUNKED, chunk(event("Hi", 1)), chunk(event("{}", 2, "done")), LAST_CHUNK]
    ended = {"status": "succeeded", "output": ["Hi"], "metrics": METRICS}
    api = Api(wire, {"status": "starting"}, ended, stream=stream)
    client = client_of(api.server)
    assert list(client.stream("a/b")) == ["Hi"]
    assert len(api.server.requests) == 2
    assert client.usage["a/b"].seconds == 1.5
    assert client.usage["a/b"].predictions == 1
    assert len(api.server.requests) == 3
