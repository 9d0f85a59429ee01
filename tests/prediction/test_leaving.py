"""Ctrl-C and the end of a program cancel what is waited for, and the program ends as usual."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from wire import CHUNKED, Request, StartWire, chunk, event, response

from replicate_sync import Interruption, Polling, Prediction, Replicate

API = "https://api.replicate.com/v1"
RUNNING = {"id": "p1", "status": "processing", "model": "a/b", "input": {"prompt": "hi"}}
CANCELED = {**RUNNING, "status": "canceled"}

# -- In this process -------------------------------------------------------------------------------


def interrupt(request: object) -> tuple[int, dict[str, str], str]:
    """Respond as if Ctrl-C were pressed while the response is awaited."""
    raise KeyboardInterrupt


def new_client() -> Replicate:
    return Replicate("r8_x", polling=Polling(5, 0))


def interruption_of(call: Callable[[], object]) -> Interruption:
    """Return what an interrupted call says."""
    with pytest.raises(KeyboardInterrupt) as raised:
        call()
    interruption = Interruption.of(raised.value)
    assert interruption is not None
    return interruption


def sent() -> list[str]:
    """Return the methods and paths of the requests so far."""
    urls = [(call.request.method, urlsplit(call.request.url)) for call in responses.calls]
    return [f"{method} {url.path}" for method, url in urls]


def running_prediction() -> Prediction:
    """Return a prediction that is running, and whose next poll is interrupted."""
    responses.get(f"{API}/predictions/p1", json=RUNNING)
    prediction = new_client().predictions.get("p1")
    responses.remove("GET", f"{API}/predictions/p1")
    responses.add_callback("GET", f"{API}/predictions/p1", interrupt)
    return prediction


@pytest.mark.parametrize("name", ["wait", "result", "stream", "events"])
@responses.activate
def test_an_interrupted_wait_cancels_and_says_so(name: str) -> None:
    prediction = running_prediction()
    responses.post(f"{API}/predictions/p1/cancel", json=CANCELED)
    call = getattr(prediction, name)
    interruption = interruption_of(lambda: list(call() or ()))
    assert str(interruption) == "Prediction p1 was canceled."
    assert interruption.prediction is prediction
    assert prediction.status == "canceled"


@pytest.mark.slow
@responses.activate
def test_an_interrupted_wait_says_what_could_not_be_canceled() -> None:
    prediction = running_prediction()
    responses.post(f"{API}/predictions/p1/cancel", status=500)
    interruption = interruption_of(prediction.wait)
    assert str(interruption) == (
        "Prediction p1 could not be canceled and may still be running: "
        "client.predictions.cancel('p1') cancels it."
    )


@responses.activate
def test_an_interrupted_wait_cancels_nothing_where_that_was_asked_for() -> None:
    prediction = running_prediction()
    interruption = interruption_of(lambda: prediction.wait(cancel_on_exit=False))
    assert str(interruption) == (
        "Prediction p1 is still running: client.predictions.cancel('p1') cancels it."
    )
    assert "POST /v1/predictions/p1/cancel" not in sent()


@pytest.mark.slow
@responses.activate
def test_an_interrupted_create_cancels_what_was_created() -> None:
    responses.add_callback("POST", f"{API}/models/a/b/predictions", interrupt)
    responses.get(f"{API}/predictions", json={"next": None, "results": [RUNNING]})
    responses.post(f"{API}/predictions/p1/cancel", json=CANCELED)
    interruption = interruption_of(lambda: new_client().run("a/b", {"prompt": "hi"}))
    assert str(interruption) == "Prediction p1 was canceled."
    assert interruption.prediction is not None
    assert interruption.prediction.id == "p1"


@pytest.mark.slow
@responses.activate
def test_an_interrupted_create_says_that_nothing_was_found() -> None:
    responses.add_callback("POST", f"{API}/models/a/b/predictions", interrupt)
    responses.get(f"{API}/predictions", json={"next": None, "results": []})
    interruption = interruption_of(lambda: new_client().run("a/b", {"prompt": "hi"}))
    assert str(interruption) == (
        "No prediction of it was found, and one may still appear: see client.predictions.list()."
    )
    assert interruption.prediction is None


@responses.activate
def test_an_interrupted_create_looks_nothing_up_where_it_is_to_run_on() -> None:
    responses.add_callback("POST", f"{API}/models/a/b/predictions", interrupt)
    client = new_client()
    interruption_of(lambda: client.run("a/b", {"prompt": "hi"}, cancel_on_exit=False))
    assert "GET /v1/predictions" not in sent()


@pytest.mark.slow
@responses.activate
def test_an_interrupted_training_is_called_one() -> None:
    version = "ab" * 32
    responses.add_callback("POST", f"{API}/models/a/b/versions/{version}/trainings", interrupt)
    training = {"id": "t1", "status": "starting", "version": version, "input": {}}
    responses.get(f"{API}/trainings", json={"next": None, "results": [training]})
    responses.post(f"{API}/trainings/t1/cancel", json={**training, "status": "canceled"})
    create = new_client().trainings.create
    interruption = interruption_of(lambda: create(f"a/b:{version}", destination="c/d"))
    assert str(interruption) == "Training t1 was canceled."


# -- In a process of its own, by a real signal -----------------------------------------------------

STREAM = "for text in client.chat('hi', 'a/b'): print(text, flush=True)"
RUN = "client.run('a/b', {'prompt': 'hi'})"
KEEP = "client.run('a/b', {'prompt': 'hi'}, cancel_on_exit=False)"
POLL = "client.predictions.create('a/b', {'prompt': 'hi'}).wait()"
PROGRAM = """
import sys
from replicate_sync import Polling, Replicate
client = Replicate("r8_secret", base_url=sys.argv[1], polling=Polling(30, 1.0))
{}
"""


class EndlessModel:
    """Responds as an API with one prediction, which runs until it is canceled.

    Args:
        is_held: Whether the response to its creation is held back.
        has_stream: Whether it has an event stream.
    """

    def __init__(self, *, is_held: bool = False, has_stream: bool = False) -> None:
        self.is_held = is_held
        self.has_stream = has_stream
        self.paths: list[str] = []
        self.canceled_at = 0.0

    def __call__(self, request: Request) -> Iterable[Any]:
        self.paths.append(request.path)
        if request.path == "/s":
            yield CHUNKED + chunk(event("Once", 0))
            yield 30.0
            return
        is_cancel = request.path.endswith("/cancel")
        if is_cancel:
            self.canceled_at = time.monotonic()
        if request.method == "POST" and self.is_held and not is_cancel:
            yield 30.0
        data = dict(CANCELED if self.canceled_at else RUNNING)
        if self.has_stream:
            data["urls"] = {"stream": f"http://{request.headers['host']}/s"}
        if request.path == "/v1/predictions":
            yield response({"next": None, "results": [data]})
        else:
            yield response(data, 201)

    @property
    def is_awaited(self) -> bool:
        """Whether a program is in the middle of waiting for the prediction."""
        if self.has_stream:
            return "/s" in self.paths
        return len(self.paths) > 1 or (self.is_held and len(self.paths) == 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "model"),
    [
        (STREAM, EndlessModel(has_stream=True)),
        (RUN, EndlessModel()),
        (RUN, EndlessModel(is_held=True)),
        (POLL, EndlessModel()),
        (POLL, EndlessModel(has_stream=True)),
    ],
    ids=["a stream", "a run", "a run whose response is held", "polls", "a wait with a stream"],
)
def test_ctrl_c_cancels_the_prediction_within_two_seconds(
    wire: StartWire, programs: Any, program: str, model: EndlessModel
) -> None:
    server = wire(model)
    started = programs.start(PROGRAM.format(program), server.url)
    assert server.until(lambda: model.is_awaited)
    pressed_at = time.monotonic()
    started.interrupt()
    status, errors = started.finish()
    assert 0 < model.canceled_at - pressed_at < 2
    assert time.monotonic() - pressed_at < 4
    assert status == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt: Prediction p1 was canceled.")
    assert "r8_secret" not in errors
    posts = [request for request in server.requests if request.method == "POST"]
    assert [request.path for request in posts] == [
        "/v1/models/a/b/predictions",
        "/v1/predictions/p1/cancel",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("is_held", [False, True])
def test_ctrl_c_leaves_running_what_was_meant_to_run_on(
    wire: StartWire, programs: Any, is_held: bool
) -> None:
    model = EndlessModel(is_held=is_held)
    server = wire(model)
    started = programs.start(PROGRAM.format(KEEP), server.url)
    assert server.until(lambda: model.is_awaited)
    started.interrupt()
    status, _ = started.finish()
    assert status == -signal.SIGINT
    assert not [path for path in model.paths if path.endswith("cancel")]


@pytest.mark.slow
def test_ctrl_c_between_two_attempts_touches_nobody_elses_prediction(
    wire: StartWire, programs: Any
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [response({"detail": "later", "retry_after": 30}, 429)]
        return [response({"next": None, "results": [{**RUNNING, "id": "theirs"}]})]

    server = wire(reply)
    logging = "import logging; logging.basicConfig(stream=sys.stdout)"
    started = programs.start(PROGRAM.format(f"{logging}\n{RUN}"), server.url)
    assert "retrying in 30.0 s" in started.stdout.readline()
    started.interrupt()
    started.finish()
    assert [request.method for request in server.requests] == ["POST"]


AT_EXIT = """
import threading
generator = client.stream('a/b', {'prompt': 'hi'})
next(generator)
prediction = client.predictions.create('a/b', {'prompt': 'hi'})
threading.Thread(target=prediction.wait, daemon=True).start()
sys.stdin.read()
"""


@pytest.mark.slow
def test_the_end_of_a_program_cancels_what_is_still_streamed_or_waited_for(
    wire: StartWire, programs: Any
) -> None:
    model = EndlessModel(has_stream=True)
    server = wire(model)
    started = programs.start(PROGRAM.format(AT_EXIT), server.url)
    assert server.until(lambda: model.paths.count("/s") == 2)
    assert started.finish() == (0, "")
    assert model.paths.count("/v1/predictions/p1/cancel") == 2


FORKED_CHILD = """
import os
generator = client.stream('a/b', {'prompt': 'hi'})
next(generator)
if os.fork() == 0:
    sys.exit()
os.wait()
assert generator.gi_frame is not None
os._exit(0)
"""


@pytest.mark.slow
def test_the_end_of_a_forked_child_cancels_nothing_of_its_parent(
    wire: StartWire, programs: Any
) -> None:
    model = EndlessModel(has_stream=True)
    started = programs.start(PROGRAM.format(FORKED_CHILD), wire(model).url)
    status, _ = started.finish()
    assert status == 0
    assert not [path for path in model.paths if path.endswith("/cancel")]


OPEN_MAP = """
import threading
results = client.map('a/b', ({'n': n} for n in range(100)), concurrency=3)
threading.Thread(target=lambda: next(results), daemon=True).start()
sys.stdin.read()
"""


@pytest.mark.slow
def test_the_end_of_a_program_cancels_what_an_open_map_has_in_flight_and_waits_for_no_more(
    wire: StartWire, programs: Any
) -> None:
    canceled: list[str] = []

    def reply(request: Request) -> Iterable[Any]:
        if request.path.endswith("/predictions"):
            prediction_id = f"p{request.json['input']['n']}"
        else:
            prediction_id = request.path.split("/")[3]
        if request.path.endswith("/cancel"):
            canceled.append(prediction_id)
        status = "canceled" if prediction_id in canceled else "processing"
        data = {"id": prediction_id, "status": status, "model": "a/b", "input": {}}
        return [response(data, 201)]

    server = wire(reply)
    started = programs.start(PROGRAM.format(OPEN_MAP), server.url)
    polled = {f"/v1/predictions/p{n}" for n in range(3)}
    assert server.until(lambda: polled <= {request.path for request in server.requests})
    ended_at = time.monotonic()
    status, _ = started.finish()
    assert status == 0
    assert sorted(canceled) == ["p0", "p1", "p2"]
    assert time.monotonic() - ended_at < 5
