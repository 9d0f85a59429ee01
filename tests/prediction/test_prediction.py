"""A prediction is polled until it ends, and is never lost: every error about it carries it."""

from __future__ import annotations

import gc
import pickle
import re
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from wire import CHUNKED, TOKEN, MakeClient, Request, StartWire, chunk, event, response

from replicate_sync import (
    FileOutput,
    InvalidInputError,
    Polling,
    Prediction,
    PredictionCanceled,
    PredictionError,
    PredictionFailed,
    PredictionTimeout,
    Replicate,
    ResponseError,
    Retries,
    UnexpectedDataError,
)

API = "https://api.replicate.com/v1"
CREATE = f"{API}/models/a/b/predictions"
GET = f"{API}/predictions/p1"
VERSION = "ab" * 32
LINK = "https://replicate.delivery/x/out.png"


def prediction(status: str = "starting", **fields: Any) -> dict[str, Any]:
    """Return a prediction as the API describes it."""
    data = {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}}
    return {**data, "status": status, **fields}


def model_with_output(output: object) -> dict[str, Any]:
    """Return a model as the API describes it, whose output has this schema."""
    document = {"components": {"schemas": {"Output": output}}}
    return {"latest_version": {"id": VERSION, "openapi_schema": document}}


def new_client(**options: Any) -> Replicate:
    """Return a client that polls five times without a pause, and retries nothing."""
    policies = {"polling": Polling(attempts=5, delay=0), "retries": Retries(attempts=1)}
    return Replicate("r8_x", **{**policies, **options})


def sent() -> list[str]:
    """Return the methods and paths of the requests so far."""
    urls = [(call.request.method, urlsplit(call.request.url)) for call in responses.calls]
    return [f"{method} {url.path}" for method, url in urls]


# -- Waiting ---------------------------------------------------------------------------------------


@responses.activate
def test_a_short_run_costs_one_request() -> None:
    responses.post(CREATE, json=prediction("succeeded", output="hi"), status=201)
    assert new_client().run("a/b", {"prompt": "x"}) == "hi"
    assert sent() == ["POST /v1/models/a/b/predictions"]
    assert responses.calls[0].request.headers["Prefer"] == "wait"


@pytest.mark.parametrize("partial", [None, ["half"], ["a", "b"]])
@responses.activate
def test_a_synchronous_response_that_says_processing_is_polled_for(partial: Any) -> None:
    responses.post(CREATE, json=prediction("processing", output=partial), status=201)
    responses.get(GET, json=prediction("succeeded", output=[" a", "b"]))
    responses.get(f"{API}/models/a/b", status=404)
    assert new_client().run("a/b", {"prompt": "x"}) == " ab"
    assert sent()[:2] == ["POST /v1/models/a/b/predictions", "GET /v1/predictions/p1"]


@responses.activate
def test_an_output_that_may_be_large_is_not_kept_once_it_is_returned() -> None:
    responses.post(CREATE, json=prediction("succeeded", output=[{"box": [1, 2]}]), status=201)
    client = new_client()
    returned = client.run("a/b", {"prompt": "x"})
    gc.collect()
    holders = [one for one in gc.get_referrers(returned) if isinstance(one, dict | Prediction)]
    assert holders == []
    assert client.usage["a/b"].predictions == 1


@responses.activate
def test_polling_goes_on_until_a_terminal_status_and_ends_there() -> None:
    responses.post(f"{API}/predictions", json=prediction(), status=201)
    for status in ("starting", "processing", "queued?"):
        responses.get(GET, json=prediction(status))
    responses.get(GET, json=prediction("succeeded", output=5))
    assert new_client().run(f"a/b:{VERSION}", {"prompt": "x"}) == 5
    assert len(responses.calls) == 5


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        ("failed", PredictionFailed, "CUDA out of memory.*The end of its logs:.*line 9"),
        ("canceled", PredictionCanceled, "was canceled"),
        ("aborted", PredictionCanceled, "aborted before it started"),
    ],
)
@responses.activate
def test_a_run_without_success_is_an_error_with_its_prediction(
    status: str, kind: type[PredictionError], text: str
) -> None:
    logs = "\n".join(f"line {n}" for n in range(10))
    ended = prediction(status, error="CUDA out of memory", logs=logs)
    responses.post(CREATE, json=ended, status=201)
    with pytest.raises(kind) as raised:
        new_client().run("a/b")
    assert re.search(text, str(raised.value), re.DOTALL)
    assert "line 3" not in str(raised.value)
    assert raised.value.prediction.id == "p1"
    assert raised.value.prediction.status == status


@responses.activate
def test_when_the_polls_are_used_up_the_error_carries_the_live_prediction() -> None:
    responses.post(CREATE, json=prediction(), status=201)
    responses.get(GET, json=prediction("processing"))
    with pytest.raises(PredictionTimeout, match="still processing after 5 polls") as raised:
        new_client().run("a/b")
    assert sent().count("GET /v1/predictions/p1") == 5
    assert "POST /v1/predictions/p1/cancel" not in sent()
    responses.replace("GET", GET, json=prediction("succeeded", output="late"))
    assert raised.value.prediction.wait().output == "late"


@responses.activate
def test_an_error_of_a_poll_carries_the_prediction_too() -> None:
    responses.post(CREATE, json=prediction(), status=201)
    responses.get(GET, status=403, json={"detail": "gone"})
    with pytest.raises(ResponseError) as raised:
        new_client().run("a/b")
    assert raised.value.prediction.id == "p1"


@responses.activate
def test_the_events_of_a_prediction_are_its_polls() -> None:
    responses.post(CREATE, json=prediction(), status=201)
    for status in ("starting", "processing", "succeeded"):
        responses.get(GET, json=prediction(status))
    created = new_client().predictions.create("a/b")
    polled = [(polled is created, polled.status) for polled in created.events()]
    assert polled == [(True, "starting"), (True, "processing"), (True, "succeeded")]


@responses.activate
def test_the_polls_of_events_may_be_closer_than_the_clients() -> None:
    responses.get(GET, json=prediction("processing"))
    client = new_client(polling=Polling(attempts=2, delay=0.05))
    events = client.predictions.get("p1").events(every=0.01)
    with pytest.raises(PredictionTimeout):
        list(events)
    assert len(responses.calls) == 1 + 6


@responses.activate
def test_the_events_of_a_prediction_that_has_ended_are_one() -> None:
    responses.get(GET, json=prediction("succeeded"))
    ended = new_client().predictions.get("p1")
    assert list(ended.events()) == [ended]
    assert len(responses.calls) == 1


@responses.activate
def test_waiting_for_a_prediction_that_has_ended_sends_nothing() -> None:
    responses.get(GET, json=prediction("succeeded", output=1))
    ended = new_client().predictions.get("p1")
    assert ended.wait() is ended
    assert ended.result() == 1
    with pytest.raises(InvalidInputError, match="deadline"):
        ended.wait(deadline=0)
    assert len(responses.calls) == 1


@responses.activate
def test_waiting_for_a_prediction_that_has_failed_is_an_error_each_time() -> None:
    responses.get(GET, json=prediction("failed", error="boom"))
    ended = new_client().predictions.get("p1")
    for call in (ended.wait, ended.result):
        with pytest.raises(PredictionFailed, match="boom") as raised:
            call()
        assert raised.value.prediction is ended


@responses.activate
def test_a_wait_with_a_progress_bar_polls_until_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    responses.get(GET, json=prediction("processing"))
    responses.get(GET, json=prediction("succeeded"))
    assert new_client().predictions.get("p1").wait(progress=True).status == "succeeded"
    assert "a/b: succeeded" in capsys.readouterr().err


def test_between_two_polls_the_stream_says_when_the_model_has_ended(
    wire: StartWire, client_of: MakeClient
) -> None:
    ended_at: list[float] = []

    def stream() -> Any:
        yield CHUNKED + chunk(event("a", 0))
        yield 0.05
        ended_at.append(time.monotonic())
        yield chunk(event("{}", 1, "done"))
        yield 5.0

    def reply(request: Request) -> Any:
        if request.path == "/s":
            return stream()
        status = "succeeded" if ended_at else "processing"
        urls = {"stream": f"{server.origin}/s"}
        return [response(prediction(status, output=["a"], urls=urls), 201)]

    server = wire(reply)
    client_of(server, polling=Polling(30, 5.0)).predictions.create("a/b").wait()
    assert time.monotonic() - ended_at[0] < 2
    assert len(server.seen("GET", "/v1/predictions/p1")) == 2
    assert "authorization" not in server.seen("GET", "/s")[0].headers


def test_a_stream_that_is_of_no_use_costs_no_poll(wire: StartWire, client_of: MakeClient) -> None:
    def reply(request: Request) -> Any:
        if request.path == "/s":
            return [response({"detail": "gone"}, 410)]
        has_ended = len(server.seen("GET", "/v1/predictions/p1")) == 8
        status = "succeeded" if has_ended else "processing"
        return [response(prediction(status, urls={"stream": f"{server.origin}/s"}), 201)]

    server = wire(reply)
    client_of(server, polling=Polling(30, 0.01)).run("a/b")
    assert len(server.seen("GET", "/s")) == 3
    assert len(server.seen("GET", "/v1/predictions/p1")) == 8


# -- Results ---------------------------------------------------------------------------------------


@responses.activate
def test_the_schema_is_fetched_once_and_decides_what_an_output_is() -> None:
    responses.post(CREATE, json=prediction("succeeded", output=LINK), status=201)
    responses.get(f"{API}/models/a/b", json=model_with_output({"type": "string"}))
    client = new_client()
    assert client.run("a/b") == client.run("a/b") == LINK
    assert sent().count("GET /v1/models/a/b") == 1
    file_schema = {"type": "string", "format": "uri"}
    responses.replace("GET", f"{API}/models/a/b", json=model_with_output(file_schema))
    file = new_client().run("a/b")
    assert isinstance(file, FileOutput)
    assert file.url == LINK


@responses.activate
def test_the_result_of_a_prediction_is_what_run_returns() -> None:
    responses.post(CREATE, json=prediction(), status=201)
    responses.get(GET, json=prediction("processing", output=["a"]))
    responses.get(GET, json=prediction("succeeded", output=["a", " b"]))
    responses.get(f"{API}/models/a/b", status=404)
    created = new_client().predictions.create("a/b")
    assert created.result() == "a b"
    assert created.output == ["a", " b"]


@responses.activate
def test_the_output_so_far_can_be_parsed_before_the_end() -> None:
    responses.get(GET, json=prediction("processing", output=[LINK]))
    responses.get(f"{API}/models/a/b", status=404)
    [file] = new_client().predictions.get("p1").parse_output()
    assert isinstance(file, FileOutput)


@pytest.mark.parametrize("status", [403, 500])
@responses.activate
def test_a_schema_that_cannot_be_fetched_does_not_cost_the_result(status: int) -> None:
    ended = prediction("succeeded", version=VERSION, output=["a", " b"])
    responses.post(f"{API}/predictions", json=ended, status=201)
    responses.get(f"{API}/models/a/b/versions/{VERSION}", status=status)
    assert new_client().run(f"a/b:{VERSION}") == "a b"


def test_a_schema_that_fails_for_a_moment_is_fetched_again(
    wire: StartWire, client_of: MakeClient
) -> None:
    text = {"type": "array", "items": {"type": "string"}, "x-cog-array-display": "concatenate"}

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [response(prediction("succeeded", output=["Hi"]), 201)]
        if len(server.requests) == 2:
            return [response({"detail": "x"}, 503)]
        return [response(model_with_output(text))]

    server = wire(reply)
    assert client_of(server).run("a/b") == "Hi"


# -- What the API says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd_field",
    [
        {"version": 5},
        {"version": ["x"]},
        {"model": ["x"]},
        {"logs": 5},
        {"error": {"a": 1}},
        {"metrics": "x"},
        {"urls": 5},
        {"urls": {"stream": "http://[bad"}},
        {"urls": {"stream": 5}},
        {"urls": {"stream": ["x"]}},
    ],
)
@pytest.mark.parametrize("status", ["succeeded", "failed", "processing"])
def test_an_odd_field_costs_neither_the_result_nor_the_right_error(
    wire: StartWire, client_of: MakeClient, odd_field: dict[str, Any], status: str
) -> None:
    def reply(request: Request) -> list[Any]:
        if request.path.startswith("/v1/models/") and request.method == "GET":
            return [response(model_with_output("x"))]
        current = status if request.method == "POST" else "succeeded"
        return [response({**prediction(current, output=["Hi "]), **odd_field}, 201)]

    client = client_of(wire(reply))
    if status == "failed":
        with pytest.raises(PredictionFailed):
            client.run("a/b")
    else:
        assert client.run("a/b") == "Hi "
        assert "".join(client.stream("a/b")) == "Hi "


@pytest.mark.parametrize("data", [None, [], "p1", {}, {"id": "p1"}, {"id": 5, "status": "x"}])
@responses.activate
def test_a_response_that_is_no_prediction_is_an_error(data: Any) -> None:
    responses.get(GET, json=data)
    expected = "is not a prediction with an id and a status"
    with pytest.raises(ResponseError, match=expected):
        new_client().predictions.get("p1")
    with pytest.raises(UnexpectedDataError, match=expected):
        new_client().predictions.from_json(data)


@responses.activate
def test_an_error_about_data_does_not_show_the_token() -> None:
    responses.get(GET, json=prediction())
    client = new_client()
    client.predictions.get("p1")
    with pytest.raises(UnexpectedDataError, match=r"\*\*\*") as raised:
        client.predictions.from_json({"token": "r8_x"})
    assert "r8_x" not in str(raised.value)


@responses.activate
def test_an_old_form_of_a_prediction_is_understood() -> None:
    old = {
        "id": "p1",
        "status": "succeeded",
        "logs": None,
        "input": {},
        "version": "v",
        "metrics": {},
        "webhook_completed": None,
    }
    responses.get(GET, json=old)
    got = new_client().predictions.get("p1")
    assert (got.output, got.logs, got.urls, got.model) == (None, "", {}, None)
    assert got.ended
    assert got.raw == old
    assert got.progress is None


@responses.activate
def test_an_error_that_is_no_text_becomes_json() -> None:
    responses.get(GET, json=prediction("failed", error={"code": 5}))
    assert new_client().predictions.get("p1").error == '{"code": 5}'


@pytest.mark.parametrize(
    ("input_name", "output_name"),
    [
        ("input_token_count", "output_token_count"),
        ("token_input_count", "token_output_count"),
    ],
)
@responses.activate
def test_seconds_and_tokens_are_found_under_either_name(input_name: str, output_name: str) -> None:
    metrics = {"predict_time": 1.5, "total_time": 2.5, input_name: 10, output_name: 20, "odd": "x"}
    responses.get(GET, json=prediction("succeeded", metrics=metrics))
    got = new_client().predictions.get("p1")
    assert (got.predict_time, got.total_time) == (1.5, 2.5)
    assert (got.input_tokens, got.output_tokens) == (10, 20)
    assert got.metrics["odd"] == "x"


@pytest.mark.parametrize("metrics", [None, {}, {"predict_time": "soon"}])
@responses.activate
def test_seconds_and_tokens_are_none_until_they_are_known(metrics: Any) -> None:
    responses.get(GET, json=prediction("processing", metrics=metrics))
    got = new_client().predictions.get("p1")
    assert (got.predict_time, got.total_time, got.input_tokens, got.output_tokens) == (None,) * 4


@responses.activate
def test_progress_is_that_of_the_last_bar_in_the_logs() -> None:
    responses.get(GET, json=prediction("processing", logs=" 50%|###   | 5/10 [00:01<00:01]"))
    progress = new_client().predictions.get("p1").progress
    assert progress is not None
    assert progress.percentage == 50


# -- Reload, cancel, and what is shown -------------------------------------------------------------


@responses.activate
def test_reload_and_cancel_return_the_prediction_as_it_then_is() -> None:
    responses.get(GET, json=prediction("processing"))
    responses.post(f"{GET}/cancel", json=prediction("canceled"))
    got = new_client().predictions.get("p1")
    assert got.reload() is got
    assert got.cancel() is got
    assert got.status == "canceled"
    assert sent() == ["GET /v1/predictions/p1"] * 2 + ["POST /v1/predictions/p1/cancel"]


@responses.activate
def test_a_response_that_a_cancel_has_overtaken_does_not_revive_a_prediction() -> None:
    responses.get(GET, json=prediction("processing"))
    found = new_client().predictions.get("p1")
    found.update(prediction("canceled", logs="all"))
    assert found.update(prediction("processing", logs="some")) is found
    assert (found.status, found.logs, found.raw["status"]) == ("canceled", "all", "canceled")


@responses.activate
def test_a_cancel_beside_the_response_of_a_poll_wins() -> None:
    responses.get(GET, json=prediction("processing"))
    found = new_client().predictions.get("p1")
    cancel = threading.Thread(target=found.update, args=(prediction("canceled"),))

    class Status(str):
        """The status before the poll; the cancel's response arrives while it is looked at."""

        def __hash__(self) -> int:
            if is_polled and cancel.ident is None:
                cancel.start()
                cancel.join(0.05)
            return super().__hash__()

    is_polled = False
    found.update(prediction(Status("processing")))
    is_polled = True
    found.update(prediction("processing"))
    cancel.join()
    assert found.status == "canceled"


@responses.activate
def test_abandoning_cancels_what_is_running_and_is_never_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    responses.get(GET, json=prediction("processing"))
    responses.post(f"{GET}/cancel", status=403)
    running = new_client().predictions.get("p1")
    running.abandon()
    assert "prediction p1 could not be canceled and may still be running" in caplog.text
    responses.replace("POST", f"{GET}/cancel", json=prediction("canceled"))
    running.abandon()
    running.abandon()
    assert sent().count("POST /v1/predictions/p1/cancel") == 2


@responses.activate
def test_a_pickled_prediction_is_still_live() -> None:
    responses.get(GET, json=prediction("processing"))
    copy: Prediction = pickle.loads(pickle.dumps(new_client().predictions.get("p1")))
    responses.replace("GET", GET, json=prediction("succeeded", output=5))
    assert copy.wait().output == 5
    assert responses.calls[-1].request.headers["Authorization"] == "Bearer r8_x"


@responses.activate
def test_a_repr_names_the_prediction_its_model_and_its_status_and_sends_nothing() -> None:
    responses.get(GET, json=prediction("processing"))
    assert repr(new_client().predictions.get("p1")) == "<Prediction p1 of a/b: processing>"
    assert len(responses.calls) == 1


@responses.activate
def test_what_a_notebook_displays_has_the_files_and_not_the_token() -> None:
    responses.get(GET, json=prediction("succeeded", output=[LINK], logs=f"token {TOKEN}"))
    responses.get(LINK, body=b"PNG")
    bundle = Replicate(TOKEN).predictions.get("p1")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert 'src="data:image/png;base64,UE5H"' in bundle["text/html"]
    assert TOKEN not in str(bundle)
