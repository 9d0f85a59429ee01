"""What is said of the predictions of a map that was left early."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tenfold_api import TenfoldApi, numbers
from wire import MakeClient, Request, StartWire, response

from replicate_sync import Interruption, Polling


def interrupt_when_polled(server: Any, count: int) -> Any:
    """Yield so many inputs, and then press Ctrl-C when all are polled."""
    yield from numbers(count)
    paths = [f"/v1/predictions/p{n}" for n in range(count)]
    assert server.until(lambda: all(server.seen("GET", path) for path in paths))
    raise KeyboardInterrupt


@pytest.mark.slow
def test_what_cannot_be_canceled_is_named(
    wire: StartWire, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(3))

    def reply(request: Request) -> Any:
        if request.path == "/v1/predictions/p1/cancel":
            return [response({"detail": "no"}, 500)]
        return api(request)

    server = wire(reply)
    client = client_of(server, polling=Polling(1000, 0.01))
    with pytest.raises(KeyboardInterrupt) as raised:
        list(client.map("a/b", interrupt_when_polled(server, 3), concurrency=4))
    message = str(Interruption.of(raised.value))
    assert message == (
        "3 predictions in flight, of which 2 were canceled. These could not be canceled, and may "
        "still be running: p1."
    )
    assert message not in caplog.text


@pytest.mark.slow
def test_a_map_that_is_closed_logs_what_it_could_not_cancel(
    wire: StartWire, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(1, 3))

    def reply(request: Request) -> Any:
        if request.path.endswith("/cancel"):
            return [response({"detail": "no"}, 500)]
        return api(request)

    client = client_of(wire(reply), polling=Polling(1000, 0.01))
    results = client.map("a/b", numbers(2), concurrency=2)
    assert next(results) == 0
    results.close()
    assert "may still be running: p" in caplog.text


@pytest.mark.slow
def test_what_may_have_been_created_and_is_not_found_is_counted(
    wire: StartWire, client_of: MakeClient
) -> None:
    api = TenfoldApi(ends_at_once=False, never_ends=range(3))
    held = threading.Event()

    def reply(request: Request) -> Any:
        if request.method == "POST" and not request.path.endswith("/cancel"):
            held.set()
            return [30.0]
        if request.path == "/v1/predictions":
            return [response({"detail": "down"}, 500)]
        return api(request)

    def inputs() -> Any:
        yield {"n": 0}
        assert held.wait(10)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        list(client_of(wire(reply)).map("a/b", inputs(), concurrency=4))
    message = str(Interruption.of(raised.value))
    assert message.startswith("1 prediction in flight, of which 0 were canceled. Of 1 it is not")
