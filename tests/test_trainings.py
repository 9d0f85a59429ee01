"""Trainings wait, tell their logs and are canceled as predictions are; and what a prediction says of its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wire import CUT, Request, Wire, answer

from replicate_sync import Polling, Prediction, PredictionFailed, Training
from replicate_sync.logs import Progress

Start = Callable[[Callable[[Request], Any]], Wire]
V = "ab" * 32


def looks(*states: dict[str, Any]) -> Callable[[Request], list[bytes]]:
    left = list(states)

    def reply(request: Request) -> list[bytes]:
        state = {"status": "starting"} if request.method == "POST" else left.pop(0) if len(left) > 1 else left[0]
        return [
            answer({"id": "t1", "version": V, "input": {}, "urls": {"get": "https://x/v1/predictions/t1"}, **state}, 201)
        ]

    return reply


def test_a_training_is_waited_for_at_its_own_address(wire: Start, client_of: Any) -> None:
    done = {"status": "succeeded", "output": {"version": "me/model:1", "weights": "https://replicate.delivery/w"}}
    server = wire(looks({"status": "processing"}, done))
    training = client_of(server).trainings.create(f"a/b:{V}", destination="me/model", input={"steps": 5})
    assert type(training.wait()) is Training
    assert training.output["version"] == "me/model:1"
    assert [r.path for r in server.requests] == [
        f"/v1/models/a/b/versions/{V}/trainings",
        "/v1/trainings/t1",
        "/v1/trainings/t1",
    ]
    assert repr(training) == "<Training t1: succeeded>"


def test_a_training_tells_its_logs_as_they_come(wire: Start, client_of: Any) -> None:
    states = [{"status": "processing", "logs": logs} for logs in ("", "one\n", "one\n", "one\ntwo\n")]
    server = wire(looks(*states, {"status": "succeeded", "logs": "one\ntwo\nthree\n"}))
    training = client_of(server).trainings.create(f"a/b:{V}", destination="me/model")
    assert list(training.stream()) == ["one\n", "two\n", "three\n"]


def test_a_training_that_fails_says_so_as_a_training(wire: Start, client_of: Any) -> None:
    server = wire(looks({"status": "failed", "error": "out of memory"}))
    with pytest.raises(PredictionFailed, match="Training t1 failed: out of memory"):
        client_of(server).trainings.create(f"a/b:{V}", destination="me/model").wait()


def test_leaving_a_training_cancels_it_where_trainings_are(wire: Start, client_of: Any) -> None:
    server = wire(looks({"status": "processing", "logs": "one\n"}))
    for _ in client_of(server).trainings.create(f"a/b:{V}", destination="me/model").stream():
        break
    assert server.requests[-1].path == "/v1/trainings/t1/cancel"


def test_a_training_whose_answer_was_lost_is_found(wire: Start, client_of: Any) -> None:
    mine = {"id": "t7", "status": "starting", "version": V, "input": {"steps": 5}}
    server = wire(lambda r: [CUT] if r.method == "POST" else [answer({"next": None, "results": [mine]})])
    assert client_of(server).trainings.create(f"a/b:{V}", destination="me/model", input={"steps": 5}).id == "t7"
    assert [(r.method, r.path) for r in server.requests][1:] == [("GET", "/v1/trainings")]


def test_events_are_the_states_that_wait_goes_through(wire: Start, client_of: Any) -> None:
    server = wire(looks(*({"status": s} for s in ("starting", "processing", "succeeded"))))
    states = [p.status for p in client_of(server, polling=Polling(9, 0)).predictions.create("a/b").events()]
    assert states == ["starting", "processing", "succeeded"]


BAR = "|██▌       | 14/50 [00:01<00:03,  9.1it/s]"


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ("", None),
        ("no bar here\n50% of it\n", None),
        (f"Using seed: 5\n 28%{BAR}\n", Progress(28, 14, 50)),
        (f"  0%|          | 0/50\r 28%{BAR}\r", Progress(28, 14, 50)),
        (f"\r  0%|   | 0/50 \r 28%{BAR}\nsaving\n", Progress(28, 14, 50)),
        ("Denoising: 100%|██████████| 30/30 [00:02<00:00]\n", Progress(100, 30, 30)),
    ],
)
def test_progress_is_the_last_bar_in_the_logs(logs: str, expected: Progress | None) -> None:
    assert Progress.of(logs) == expected


@pytest.mark.parametrize("names", [("input_token_count", "output_token_count"), ("token_input_count", "token_output_count")])
def test_cost_and_time_are_read_in_both_spellings(wire: Start, client_of: Any, names: tuple[str, str]) -> None:
    metrics = {"predict_time": 1.5, "total_time": 2.5, names[0]: 10, names[1]: 20, "odd": "x"}
    server = wire(lambda r: [answer({"id": "p1", "status": "succeeded", "metrics": metrics})])
    prediction: Prediction = client_of(server).predictions.get("p1")
    assert (prediction.predict_time, prediction.total_time) == (1.5, 2.5)
    assert (prediction.input_tokens, prediction.output_tokens) == (10, 20)
    assert prediction.metrics["odd"] == "x"
    empty = client_of(wire(lambda r: [answer({"id": "p1", "status": "starting"})])).predictions.get("p1")
    assert (empty.predict_time, empty.input_tokens, empty.progress) == (None, None, None)
