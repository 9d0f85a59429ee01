"""Work is left when its client leaves, and what it began is canceled."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from wire import MakeClient, Request, StartWire, response

from replicate_sync.gateway.work import ClientLeft, OpenWork, Work

STARTED = {"id": "p1", "status": "processing", "model": "a/b", "input": {}}


class Api:
    """An API that creates predictions, and notes what is canceled."""

    def __init__(self) -> None:
        self.canceled: list[str] = []

    def __call__(self, request: Request) -> list[bytes]:
        if request.path.endswith("/cancel"):
            self.canceled.append(request.path)
            return [response({**STARTED, "status": "canceled"})]
        return [response(STARTED, 201)]


@pytest.fixture
def api() -> Api:
    return Api()


def test_what_is_put_is_yielded_and_what_is_raised_is_raised() -> None:
    def do(work: Work) -> None:
        work.put(1)
        raise ValueError("no more")

    items = Work(do, lambda: False, OpenWork()).items()
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)


@pytest.mark.slow
def test_a_client_that_leaves_while_nothing_comes_cancels(
    wire: StartWire, client_of: MakeClient, api: Api
) -> None:
    prediction = client_of(wire(api)).predictions.create("a/b")
    is_left = threading.Event()

    def do(work: Work) -> None:
        work.begin(prediction)
        is_left.wait(10)

    with pytest.raises(ClientLeft):
        list(Work(do, lambda: True, OpenWork()).items())
    is_left.set()
    assert api.canceled == ["/v1/predictions/p1/cancel"]


@pytest.mark.slow
def test_a_prediction_that_is_created_after_its_client_left_is_canceled(
    wire: StartWire, client_of: MakeClient, api: Api
) -> None:
    client = client_of(wire(api))
    is_left = threading.Event()
    is_done = threading.Event()
    raised: list[Any] = []

    def do(work: Work) -> None:
        is_left.wait(10)
        try:
            work.begin(client.predictions.create("a/b"))
        except ClientLeft as error:
            raised.append(error)
        is_done.set()

    with pytest.raises(ClientLeft):
        list(Work(do, lambda: True, OpenWork()).items())
    is_left.set()
    assert is_done.wait(10)
    assert (len(raised), len(api.canceled)) == (1, 1)


def test_what_is_done_is_not_canceled(wire: StartWire, client_of: MakeClient, api: Api) -> None:
    prediction = client_of(wire(api)).predictions.create("a/b")
    assert list(Work(lambda work: work.begin(prediction), lambda: True, OpenWork()).items()) == []
    assert api.canceled == []


def test_what_is_open_is_left_when_the_gateway_ends(
    wire: StartWire, client_of: MakeClient, api: Api
) -> None:
    prediction = client_of(wire(api)).predictions.create("a/b")
    open_work = OpenWork()
    is_over = threading.Event()

    def do(work: Work) -> None:
        work.begin(prediction)
        work.put(1)
        is_over.wait(10)

    def serve() -> None:
        with pytest.raises(ClientLeft):
            list(Work(do, lambda: False, open_work).items())

    serving = threading.Thread(target=serve)
    serving.start()
    open_work.end(10)
    is_over.set()
    serving.join(10)
    assert not serving.is_alive()
    assert api.canceled == ["/v1/predictions/p1/cancel"]
    open_work.end(0)
