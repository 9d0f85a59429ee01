"""What a look-up proves, and what it only names: by the input, the time, and who else asks."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from wire import CUT, MakeClient, Request, StartWire, response

from replicate_sync import ConnectionFailed, Interruption, Replicate
from replicate_sync.prediction import own_ids
from replicate_sync.prediction.create_options import CreateOptions
from replicate_sync.prediction.creation import Creation, Evidence
from replicate_sync.prediction.prediction import Prediction


def api_time(seconds: float) -> str:
    """Return a time as the API writes it."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


def prediction(name: str, created_at: float, **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": name, "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": "processing", "created_at": api_time(created_at), **fields}


class Listing:
    """Lists predictions of which some are asked for by time, as the API does.

    Args:
        ahead: By how many seconds the API's clock is ahead of this machine's.
        predictions: The predictions.
    """

    def __init__(self, *predictions: dict[str, Any], ahead: float = 0.0) -> None:
        self.predictions = sorted(predictions, key=lambda one: one["created_at"], reverse=True)
        self.ahead = ahead
        self.canceled: list[str] = []

    def __call__(self, request: Request) -> list[Any]:
        date = formatdate(time.time() + self.ahead, usegmt=True)
        if request.path.endswith("/cancel"):
            self.canceled.append(request.path.split("/")[3])
            return [response(prediction(self.canceled[-1], 0.0, status="canceled"), Date=date)]
        if request.method == "POST":
            return [CUT]
        after = request.query.get("created_after", "")
        before = request.query.get("created_before", "9")
        listed = [one for one in self.predictions if after <= one["created_at"] < before]
        start = int(request.query.get("cursor", 0))
        link = None
        if len(listed) > start + 100:
            query = "&".join(f"{k}={v}" for k, v in request.query.items() if k != "cursor")
            link = f"http://{request.headers['host']}{request.path}?{query}&cursor={start + 100}"
        return [response({"next": link, "results": listed[start : start + 100]}, Date=date)]


def plan(client: Replicate) -> Creation[Prediction]:
    return client.predictions.plan(
        client.predictions.prepare("a/b", {"prompt": "x"}), CreateOptions()
    )


def evidence_of(client: Replicate, after: float, *, is_server_time: bool = True) -> Evidence:
    """Return what an earlier process has noted of a create."""
    evidence = plan(client).evidence.to_json()
    return Evidence.from_json({**evidence, "after": after, "is_server_time": is_server_time})


# -- A create of this process ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [0.0, 180.0, -180.0])
def test_the_clock_of_the_api_decides_which_time_is_that_of_a_create(
    wire: StartWire, client_of: MakeClient, ahead: float
) -> None:
    now = time.time() + ahead
    api = Listing(prediction("old", now - 3), prediction("new", now + 0.1), ahead=ahead)
    assert client_of(wire(api)).predictions.create("a/b", {"prompt": "x"}).id == "new"


@pytest.mark.slow
def test_what_was_created_long_after_a_create_had_left_is_named_and_neither_adopted_nor_canceled(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Listing(prediction("theirs", time.time() + 10))
    client = client_of(wire(api))
    with pytest.raises(ConnectionFailed, match="It may be theirs"):
        client.run("a/b", {"prompt": "x"})
    own_ids.forget_all()  # else it was listed before the next create, which cannot have made it
    creation = plan(client)
    assert creation.delivery.before_attempt is not None
    creation.delivery.before_attempt()
    creation.delivery.sent = "all"
    creation.delivery.left_at = time.monotonic()
    interrupt = KeyboardInterrupt()
    client.predictions.leave(creation, interrupt, cancel=True)
    assert str(Interruption.of(interrupt)) == (
        "It may have created prediction theirs, which was not canceled, as it may be somebody "
        "else's: client.predictions.cancel('theirs') cancels it."
    )
    assert api.canceled == []


@pytest.mark.slow
def test_an_interrupt_cancels_none_of_two_equal_predictions(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = Listing(prediction("one", time.time() + 0.1), prediction("two", time.time() + 0.1))
    client = client_of(wire(api))
    creation = plan(client)
    assert creation.delivery.before_attempt is not None
    creation.delivery.before_attempt()
    creation.delivery.sent = "all"
    interrupt = KeyboardInterrupt()
    client.predictions.leave(creation, interrupt, cancel=True)
    assert "It may have created prediction" in str(Interruption.of(interrupt))
    assert "one" in str(Interruption.of(interrupt))
    assert "two" in str(Interruption.of(interrupt))
    assert api.canceled == []
    assert creation.state == "abandoned"


# -- A create of an earlier process ------------------------------------------------------------------


@pytest.mark.slow
def test_fifteen_hundred_newer_predictions_do_not_hide_an_earlier_one(
    wire: StartWire, client_of: MakeClient
) -> None:
    then = time.time() - 7200
    newer = [prediction(f"p{n}", then + 1000 + n, input={"prompt": str(n)}) for n in range(1500)]
    server = wire(Listing(prediction("lost", then + 1), *newer))
    client = client_of(server)
    found = client.predictions.look_up(evidence_of(client, then))
    assert found.prediction is not None
    assert found.prediction.id == "lost"
    assert len(server.requests) == 1
    again = client.predictions.look_up(evidence_of(client, then))
    assert again.prediction is None
    assert again.is_absent


@pytest.mark.parametrize("ahead", [180.0, -180.0])
def test_a_time_of_a_wrong_clock_is_set_right_by_the_first_response(
    wire: StartWire, client_of: MakeClient, ahead: float
) -> None:
    then = time.time() - 60
    client = client_of(wire(Listing(prediction("lost", then + ahead + 1), ahead=ahead)))
    found = client.predictions.look_up(evidence_of(client, then, is_server_time=False))
    assert found.prediction is not None
    assert found.prediction.id == "lost"


@pytest.mark.parametrize("behind", [300.0, -2000.0])
@pytest.mark.parametrize("is_dated", [True, False], ids=["dated", "undated"])
def test_what_only_a_clock_speaks_against_that_may_have_been_set_is_named(
    wire: StartWire, client_of: MakeClient, behind: float, is_dated: bool
) -> None:
    then = time.time() - 3600
    api = Listing(prediction("lost", then - behind))
    if is_dated:
        client = client_of(wire(api))
    else:
        client = client_of(wire(lambda r: [api(r)[0].replace(b"\r\nDate:", b"\r\nX-Date:")]))
    found = client.predictions.look_up(evidence_of(client, then, is_server_time=False))
    assert found.candidates == ["lost"]
    assert not found.is_absent


def test_what_has_lost_its_input_is_named(wire: StartWire, client_of: MakeClient) -> None:
    then = time.time() - 7200
    api = Listing(prediction("lost", then + 1, input={}, data_removed=True, status="succeeded"))
    client = client_of(wire(api))
    found = client.predictions.look_up(evidence_of(client, then))
    assert found.prediction is None
    assert found.candidates == ["lost"]
    assert not found.is_absent


def test_as_many_equal_predictions_as_creates_are_adopted_one_by_one(
    wire: StartWire, client_of: MakeClient
) -> None:
    then = time.time() - 60
    client = client_of(wire(Listing(prediction("one", then + 1), prediction("two", then + 2))))
    evidence = evidence_of(client, then)
    assert client.predictions.look_up(evidence).candidates == ["one", "two"]
    found = [client.predictions.look_up(evidence, in_doubt=2 - n).prediction for n in range(2)]
    assert [one.id for one in found if one] == ["one", "two"]


@pytest.mark.parametrize("listed", [[response({"detail": "no"}, 500)], [CUT]])
def test_a_list_that_fails_proves_nothing(
    wire: StartWire, client_of: MakeClient, listed: list[Any]
) -> None:
    client = client_of(wire(lambda request: listed))
    found = client.predictions.look_up(evidence_of(client, time.time()))
    assert found.prediction is None
    assert not found.is_absent
    assert not found.candidates


@pytest.mark.slow
def test_what_is_listed_and_is_no_prediction_is_passed_over(
    wire: StartWire, client_of: MakeClient
) -> None:
    odd: list[Any] = [None, 5, "p1", {"id": "x"}, {"id": 5, "model": "a/b", "status": "processing"}]
    good = prediction("lost", time.time() + 0.1)
    page = response({"next": None, "results": [*odd, good]})
    server = wire(lambda request: [CUT] if request.method == "POST" else [page])
    assert client_of(server).predictions.create("a/b", {"prompt": "x"}).id == "lost"
