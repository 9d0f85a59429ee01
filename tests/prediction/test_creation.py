"""A create has one state at a time, and its state says what may exist."""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from wire import CUT, END, QUICK, Request, Wire, response

from replicate_sync import ConnectionFailed, Interruption, Replicate, Retries
from replicate_sync.exceptions import ReplicateError, Response, ResponseError
from replicate_sync.http.clock import ServerClock
from replicate_sync.prediction import lookup, own_ids
from replicate_sync.prediction.create_options import CreateOptions
from replicate_sync.prediction.creation import Creation, Evidence, input_digest
from replicate_sync.prediction.prediction import Prediction

_numbers = count()


def planned(**fields: Any) -> Creation[Prediction]:
    """Return a create of which nothing was sent."""
    body = {"input": {"prompt": "x"}}
    creation = Creation(Prediction, "/predictions", body, {"model": "a/b"}, ServerClock())
    creation.base_url = (
        f"https://{next(_numbers)}.example"  # no test's creates are another's rivals
    )
    for name, value in fields.items():
        setattr(creation, name, value)
    return creation


def begin(creation: Creation[Prediction], sent: Any = "all") -> None:
    """Begin an attempt, of which so much leaves this machine."""
    assert creation.delivery.before_attempt is not None
    creation.delivery.before_attempt()
    creation.delivery.sent = sent


def connection_failed(*, maybe_sent: bool) -> ConnectionFailed:
    error = ConnectionFailed("lost")
    error.maybe_sent = maybe_sent
    return error


def response_error(status: int) -> ResponseError:
    return ResponseError("no", Response(status, {}, b""))


# -- States and events -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state", "again"),
    [
        (connection_failed(maybe_sent=False), "rejected", True),
        (connection_failed(maybe_sent=True), "in doubt", False),
        *((response_error(status), "rejected", False) for status in (302, 400, 402, 404, 422)),
        (response_error(429), "rejected", True),
        *((response_error(status), "in doubt", False) for status in (200, 201, 303, 500, 502, 504)),
    ],
)
def test_a_failure_rejects_a_create_or_leaves_it_in_doubt(
    error: ReplicateError, state: str, again: bool
) -> None:
    creation = planned()
    begin(creation)
    assert creation.state == "sent"
    assert creation.may_be_sent_again(error) == again
    assert creation.state == state


@pytest.mark.parametrize(
    ("sent", "state"),
    [("nothing", "rejected"), ("some", "in doubt"), ("all", "in doubt"), ("unknown", "in doubt")],
)
def test_an_interrupt_leaves_a_create_in_doubt_if_a_part_of_it_had_left(
    sent: str, state: str
) -> None:
    creation = planned()
    begin(creation, sent)
    creation.fail(KeyboardInterrupt())
    assert creation.state == state


def test_what_is_not_sent_yet_is_not_in_doubt() -> None:
    creation = planned()
    creation.fail(KeyboardInterrupt())
    assert creation.state == "planned"


def test_what_must_be_on_disk_is_written_before_each_attempt() -> None:
    written: list[Evidence] = []
    creation = planned(before_send=written.append)
    for _ in range(2):
        begin(creation)
        creation.fail(response_error(429))
    assert [evidence.fields for evidence in written] == [{"model": "a/b"}] * 2
    assert Evidence.from_json(written[0].to_json()).to_json() == written[0].to_json()


def test_what_cannot_be_written_is_not_sent() -> None:
    def fail(evidence: Evidence) -> None:
        raise OSError("disk full")

    creation = planned(before_send=fail)
    with pytest.raises(OSError, match="disk full"):
        begin(creation)
    assert creation.state == "planned"


def test_what_nobody_wants_is_not_sent_again() -> None:
    creation = planned(is_unwanted=True)
    with pytest.raises(ReplicateError, match="had left before"):
        begin(creation)


def test_what_is_left_in_another_thread_just_before_it_is_sent_is_not_sent() -> None:
    def leave(evidence: Evidence) -> None:
        creation.is_unwanted = True

    creation = planned(before_send=leave)
    with pytest.raises(ReplicateError, match="had left before"):
        begin(creation)
    assert creation.state == "rejected"


def test_the_order_of_keys_and_the_kind_of_a_number_do_not_matter_to_an_input() -> None:
    assert input_digest({"a": 1, "b": [2.0, (3,)]}) == input_digest({"b": [2, [3.0]], "a": 1.0})
    assert input_digest({"a": 1}) != input_digest({"a": 1.5})
    assert input_digest({"a": "1"}) != input_digest({"a": 1})
    assert input_digest({"a": True}) != input_digest({"a": 1})


def test_a_rival_is_an_equal_create_that_is_under_way() -> None:
    here = {"base_url": "https://rivals.example"}
    one, other = planned(**here), planned(**here)
    different = planned(body={"input": {"prompt": "y"}}, **here)
    for creation in (one, other, different):
        begin(creation)
    assert list(one.rivals()) == [other]
    other.forget("rejected")
    assert list(one.rivals()) == []
    for creation in (one, different):
        creation.forget("rejected")


@pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform == "emscripten", reason="this system has no fork"
)
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_owns_no_create_and_knows_of_none() -> None:
    one, other = (planned(base_url="https://forks.example") for _ in range(2))
    begin(one)
    begin(other)
    child = os.fork()
    if child == 0:
        os._exit(0 if not one.is_ours and not list(one.rivals()) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert one.is_ours
    assert list(one.rivals()) == [other]
    one.forget("rejected")
    other.forget("rejected")


# -- Against a server that loses, delays and repeats -------------------------------------------------

FATES = (
    "created",
    "refused",
    "too many",
    "lost before",
    "lost after",
    "cut after",
    "500 before",
    "500 after",
    "late and lost",
    "cut JSON",
    "repeated",
    "silent after",
)


class Api:
    """Gives each create the fate that is next; each prediction knows the call that made it."""

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.call = 0
        self.predictions: dict[str, dict[str, Any]] = {}
        self.creates: dict[int, int] = {}
        self.calls: dict[str, int] = {}
        self.visible_from: dict[str, float] = {}

    def __call__(self, request: Request) -> list[Any]:
        if request.path.endswith("/cancel"):
            data = self.predictions[request.path.split("/")[3]]
            if data["status"] == "processing":
                data["status"] = "canceled"
            return [response(data)]
        if request.method == "POST":
            return self.create(request, self.fates.pop(0) if self.fates else "created")
        if request.path == "/v1/predictions":
            now = time.monotonic()
            listed = [d for i, d in self.predictions.items() if self.visible_from[i] <= now]
            return [response({"next": None, "results": listed[::-1]})]
        data = self.predictions[request.path.split("/")[3]]
        if data["status"] == "processing":
            data.update(status="succeeded", output=data["input"]["n"])
        return [response(data)]

    def create(self, request: Request, fate: str) -> list[Any]:
        if fate == "refused":
            return [response({"detail": "no"}, 402)]
        if fate == "too many":
            return [response({"detail": "later", "retry_after": 0.001}, 429)]
        if fate == "lost before":
            return [CUT]
        if fate == "500 before":
            return [response({"detail": "no"}, 500)]
        data = self.add(request.json["input"], delay=0.03 if fate == "late and lost" else 0.0)
        if fate == "repeated":  # a gateway has sent it twice
            self.add(request.json["input"], delay=0.0)
            self.creates[self.call] -= 1
        return {
            "created": [response(data, 201)],
            "lost after": [CUT],
            "cut after": [b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{", END],
            "500 after": [response({"detail": "no"}, 502)],
            "late and lost": [CUT],
            "cut JSON": [response(b'{"id": "p', 201)],
            "repeated": [CUT],
            "silent after": [1.0],
        }[fate]

    def add(self, given: dict[str, Any], delay: float) -> dict[str, Any]:
        new_id = f"p{len(self.predictions)}"
        now = time.time()
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        created_at = f"{seconds}.{int(now % 1 * 1e6):06d}Z"
        data = {"id": new_id, "status": "processing", "model": "a/b", "input": given}
        self.predictions[new_id] = {**data, "created_at": created_at}
        self.visible_from[new_id] = time.monotonic() + delay
        self.creates[self.call] = self.creates.get(self.call, 0) + 1
        self.calls[new_id] = self.call
        return self.predictions[new_id]


class Creates(RuleBasedStateMachine):
    """Creates, waits and leaves, whatever becomes of the requests."""

    def __init__(self) -> None:
        super().__init__()
        own_ids.forget_all()
        self.api = Api()
        self.server = Wire(self.api)
        self.client = Replicate(
            base_url=self.server.url,
            polling=QUICK,
            timeout=0.15,
            retries=Retries(attempts=3, first=0.001, ceiling=0.002),
        )
        self.held: list[Prediction] = []

    def teardown(self) -> None:
        self.client.close()
        self.server.close()

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=3), n=st.integers(0, 1))
    def create(self, fates: list[str], n: int) -> None:
        self.api.call += 1
        self.api.fates = list(fates)
        predictions = self.client.predictions
        options = CreateOptions()
        creation = predictions.plan(predictions.prepare("a/b", {"n": n}), options)
        before = len(self.api.predictions)
        try:
            prediction = predictions.send(creation, options)
        except ReplicateError as error:
            made = len(self.api.predictions) - before
            is_said = getattr(error, "maybe_created", False)
            assert creation.state == ("in doubt" if is_said else "rejected")
            assert is_said or not made, "something was created, and is not said"
        else:
            assert creation.state == "created"
            assert creation.prediction is prediction
            assert prediction.input == {"n": n}
            assert self.api.calls[prediction.id] == self.api.call, "it is another call's"
            self.held.append(prediction)

    @rule()
    def wait(self) -> None:
        for prediction in self.held[-1:]:
            if not prediction.ended:
                assert prediction.wait().output == prediction.input["n"]
                assert prediction.creation is not None
                assert prediction.creation.state == "finished"

    @rule()
    def leave(self) -> None:
        for prediction in self.held[-1:]:
            interrupt = KeyboardInterrupt()
            was_running = not prediction.ended
            prediction.leave(interrupt, cancel=True)
            assert Interruption.of(interrupt) is not None
            if was_running:
                assert self.api.predictions[prediction.id]["status"] == "canceled"

    @invariant()
    def each_call_has_created_once_at_the_most(self) -> None:
        assert all(count <= 1 for count in self.api.creates.values())

    @invariant()
    def each_prediction_is_held_once(self) -> None:
        ids = [prediction.id for prediction in self.held]
        assert len(ids) == len(set(ids))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_processing")
def test_what_was_listed_before_a_create_is_neither_taken_nor_named_for_it() -> None:
    machine = Creates()
    try:
        machine.create(["repeated"], 1)
        machine.create(["500 before"], 1)
        machine.create(["lost after"], 1)
        assert [prediction.id for prediction in machine.held] == ["p2"]
        machine.create(["500 before"], 1)
        assert len(machine.held) == 1
        assert len(machine.api.predictions) == 3
    finally:
        machine.teardown()


@pytest.fixture
def quick_processing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let look-ups wait only as long as the server above takes."""
    monkeypatch.setattr(lookup, "PROCESSING_TIME", 0.12)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_processing")
@pytest.mark.parametrize(
    ("examples", "steps"),
    [(3, 5), (60, 25)],
    ids=["a few", "many"],
)
def test_a_server_that_loses_delays_and_repeats_is_paid_once(examples: int, steps: int) -> None:
    few = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Creates, settings=few)
