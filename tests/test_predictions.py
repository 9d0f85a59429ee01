"""Creating, waiting, adopting and canceling: paid for once, and never lost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
import responses
from wire import CHUNKED, CUT, END, Request, Wire, answer, chunk, event

from replicate_sync import (
    ConnectionFailed,
    FileOutput,
    InvalidInputError,
    ModelNotFoundError,
    Polling,
    PredictionCanceled,
    PredictionError,
    PredictionFailed,
    PredictionTimeout,
    Replicate,
    ResponseError,
    Retries,
    ServerError,
)
from replicate_sync.deadlines import Deadline
from replicate_sync.listening import Listener

Start = Callable[[Callable[[Request], Any]], Wire]
API = "https://api.replicate.com/v1"
VERSION = "ab" * 32


def described(status: str = "starting", **fields: Any) -> dict[str, Any]:
    return {"id": "p1", "model": "a/b", "version": "hidden", "input": {"prompt": "x"}, "status": status, **fields}


def client(**options: Any) -> Replicate:
    return Replicate("r8_x", polling=Polling(attempts=5, delay=0), retries=Retries(attempts=1), **options)


def sent() -> list[str]:
    return [f"{call.request.method} {(call.request.path_url or '').split('?')[0]}" for call in responses.calls]  # type: ignore[union-attr]


@responses.activate
def test_a_short_run_costs_one_request() -> None:
    responses.post(f"{API}/models/a/b/predictions", json=described("succeeded", output="hi"), status=201)
    assert client().run("a/b", {"prompt": "x"}) == "hi"
    assert sent() == ["POST /v1/models/a/b/predictions"]
    assert responses.calls[0].request.headers["Prefer"] == "wait"


@pytest.mark.parametrize("partial", [None, ["half"], ["a", "b"]])
@responses.activate
def test_a_synchronous_answer_that_says_processing_is_looked_at_again(partial: Any) -> None:
    responses.post(f"{API}/models/a/b/predictions", json=described("processing", output=partial), status=201)
    responses.get(f"{API}/predictions/p1", json=described("succeeded", output=[" a", "b"], metrics={"predict_time": 1}))
    responses.get(f"{API}/models/a/b", status=404)
    assert client().run("a/b", {"prompt": "x"}) == " ab"
    assert sent()[:2] == ["POST /v1/models/a/b/predictions", "GET /v1/predictions/p1"]


@responses.activate
def test_looks_go_on_until_a_terminal_status_and_end_there() -> None:
    responses.post(f"{API}/predictions", json=described(), status=201)
    for status in ("starting", "processing", "queued?", "succeeded"):
        responses.get(f"{API}/predictions/p1", json=described(status, output=5 if status == "succeeded" else None))
    assert client().run(f"a/b:{VERSION}", {"prompt": "x"}) == 5
    assert len(responses.calls) == 5


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        ("failed", PredictionFailed, "CUDA out of memory.*Its logs end:.*line 9"),
        ("canceled", PredictionCanceled, "was canceled"),
        ("aborted", PredictionCanceled, "aborted before it started"),
    ],
)
@responses.activate
def test_a_run_that_does_not_succeed_is_an_error_with_its_prediction(
    status: str, kind: type[PredictionError], says: str
) -> None:
    logs = "\n".join(f"line {n}" for n in range(10))
    done = described(status, error="CUDA out of memory", logs=logs)
    responses.post(f"{API}/models/a/b/predictions", json=done, status=201)
    with pytest.raises(kind) as raised:
        client().run("a/b")
    assert re.search(says, str(raised.value), re.DOTALL)
    assert "line 3" not in str(raised.value)
    assert (raised.value.prediction.id, raised.value.prediction.status) == ("p1", status)


@responses.activate
def test_when_the_looks_are_used_up_the_error_carries_the_live_prediction() -> None:
    responses.post(f"{API}/models/a/b/predictions", json=described(), status=201)
    responses.get(f"{API}/predictions/p1", json=described("processing"))
    with pytest.raises(PredictionTimeout, match=r"still processing after 5 looks.*wait\(\).*cancel\(\)") as raised:
        client().run("a/b")
    assert sent().count("GET /v1/predictions/p1") == 5
    assert "POST /v1/predictions/p1/cancel" not in sent()
    responses.replace("GET", f"{API}/predictions/p1", json=described("succeeded", output="late"))
    assert raised.value.prediction.wait().output == "late"


@responses.activate
def test_an_error_while_looking_carries_the_prediction_too() -> None:
    responses.post(f"{API}/models/a/b/predictions", json=described(), status=201)
    responses.get(f"{API}/predictions/p1", status=404, json={"detail": "gone"})
    with pytest.raises(ResponseError) as raised:
        client().run("a/b")
    assert raised.value.prediction.id == "p1"


@responses.activate
def test_each_kind_of_reference_takes_its_route() -> None:
    responses.post(f"{API}/models/a/b/predictions", json=described("succeeded"), status=201)
    responses.post(f"{API}/predictions", json=described("succeeded"), status=201)
    for model, path, version in [
        ("a/b", "/v1/models/a/b/predictions", None),
        (f"a/b:{VERSION}", "/v1/predictions", VERSION),
        (VERSION, "/v1/predictions", VERSION),
    ]:
        client().predictions.create(model, {"prompt": "x"})
        request = responses.calls[-1].request
        assert request.path_url == path  # type: ignore[union-attr]
        assert ("Prefer" in request.headers, f'"version":"{version}"' in str(request.body)) == (False, version is not None)


@responses.activate
def test_a_community_model_runs_by_its_latest_version_which_is_remembered() -> None:
    responses.post(
        f"{API}/models/a/b/predictions", status=404, json={"detail": "The requested resource could not be found."}
    )
    responses.get(f"{API}/models/a/b", json={"owner": "a", "name": "b", "latest_version": {"id": VERSION}})
    responses.post(f"{API}/predictions", json=described("succeeded", output=1), status=201)
    one = client()
    assert one.run("a/b") == one.run("a/b") == 1
    assert sent() == [
        "POST /v1/models/a/b/predictions",
        "GET /v1/models/a/b",
        "POST /v1/predictions",
        "POST /v1/predictions",
    ]


@responses.activate
def test_a_model_that_is_not_there_or_has_no_version_says_so() -> None:
    responses.post(f"{API}/models/a/b/predictions", status=404, json={"detail": "nothing"})
    responses.get(f"{API}/models/a/b", status=404, json={"detail": "nothing"})
    with pytest.raises(ModelNotFoundError, match="'a/b'"):
        client().run("a/b")
    responses.replace("GET", f"{API}/models/a/b", json={"latest_version": None})
    with pytest.raises(ModelNotFoundError, match="no version"):
        client().run("a/b")


# -- Paid for once ------------------------------------------------------------------------------------------------------


def api(created: list[dict[str, Any]], first: list[Any]) -> Callable[[Request], list[Any]]:
    """Creates a prediction at each POST, but answers the first one with `first`."""

    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            mine = described("succeeded", id=f"p{len(created) + 1}", input=request.json["input"], output=len(created) + 1)
            created.append(mine)
            return first if len(created) == 1 else [answer(mine, 201)]
        if request.path == "/v1/predictions":
            return [answer({"next": None, "previous": None, "results": created[::-1]})]
        return [answer(next(p for p in created if request.path.endswith(p["id"])))]

    return reply


@pytest.mark.parametrize(
    "first",
    [
        [CUT],
        [END],
        [answer({"detail": "x"}, 500)],
        [answer(b"<html>bad gateway</html>", 502)],
        [answer(b'{"id": "p1", "sta', 201)],
        [answer(b"", 201)],
        [b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n{", END],
        [5.0],
    ],
    ids=["reset", "closed", "500", "502", "truncated", "empty", "short", "silent"],
)
def test_after_a_doubtful_answer_the_prediction_is_found_and_not_created_again(
    wire: Start, client_of: Any, first: Any
) -> None:
    created: list[dict[str, Any]] = []
    server = wire(api(created, first))
    assert client_of(server, timeout=0.5).run("a/b", {"prompt": "x"}) == 1
    assert len(created) == 1
    looked = server.seen("GET", "/v1/predictions")
    assert len(looked) == 1
    assert looked[0].query["created_after"].endswith("Z")


@pytest.mark.parametrize(("first", "kind"), [([CUT], ConnectionFailed), ([answer({"detail": "x"}, 503)], ServerError)])
def test_what_cannot_be_found_is_said_to_be_in_doubt(wire: Start, client_of: Any, first: Any, kind: type[Exception]) -> None:
    server = wire(
        lambda r: first if r.method == "POST" else [answer({"next": None, "results": [described(input={"y": 1})]})]
    )
    with pytest.raises(kind, match="may have been created") as raised:
        client_of(server).run("a/b", {"prompt": "x"})
    assert raised.value.maybe_created  # type: ignore[attr-defined]
    assert [r.method for r in server.requests] == ["POST", "GET"]


def test_a_prediction_that_is_known_here_is_never_adopted_for_another(wire: Start, client_of: Any) -> None:
    created: list[dict[str, Any]] = []
    reply = api(created, [CUT])
    server = wire(lambda r: [CUT] if r.method == "POST" and len(created) == 1 else reply(r))
    client = client_of(server)
    assert client.run("a/b", {"prompt": "x"}) == 1
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client.run("a/b", {"prompt": "x"})


@pytest.mark.parametrize("given", [{"a": (1, 2)}, {"a": {1: 2}}, {"a": 1.0}, {"a": "é\u2028"}])
def test_what_json_writes_otherwise_is_found_all_the_same(wire: Start, client_of: Any, given: Any) -> None:
    created: list[dict[str, Any]] = []
    assert client_of(wire(api(created, [CUT]))).run("a/b", given) == 1
    assert len(created) == 1


def ago(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() - seconds))


@pytest.mark.parametrize(("seconds", "found"), [(0, True), (5, False), (3600, False)])
def test_a_prediction_that_is_older_than_the_call_is_somebody_elses(
    wire: Start, client_of: Any, seconds: float, found: bool
) -> None:
    listed = [described("succeeded", output=5, input={"x": 1}, created_at=ago(seconds))]
    server = wire(lambda r: [CUT] if r.method == "POST" else [answer({"next": None, "results": listed})])
    if found:
        assert client_of(server).run("a/b", {"x": 1}) == 5
    else:
        with pytest.raises(ConnectionFailed, match="may have been created"):
            client_of(server).run("a/b", {"x": 1})


@pytest.mark.parametrize("ahead", [-50, 50])
def test_the_apis_own_clock_says_what_is_older_than_the_call(wire: Start, client_of: Any, ahead: float) -> None:
    now = formatdate(time.time() + ahead, usegmt=True)
    listed = [described("succeeded", output=n, input={"x": n}, created_at=ago(s - ahead)) for n, s in ((1, 0), (2, 10))]
    server = wire(lambda r: [CUT] if r.method == "POST" else [answer({"next": None, "results": listed}, Date=now)])
    assert client_of(server).run("a/b", {"x": 1}) == 1
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server).run("a/b", {"x": 2})


def test_a_list_that_goes_round_in_circles_is_left(wire: Start, client_of: Any) -> None:
    def reply(request: Request) -> list[Any]:
        return [CUT] if request.method == "POST" else [answer({"next": f"{server.url}/predictions?cursor=1", "results": []})]

    server = wire(reply)
    with pytest.raises(ConnectionFailed, match="may have been created"):
        client_of(server).run("a/b", {"x": 2})
    assert len(server.requests) == 3


def test_a_create_that_never_left_is_tried_again_and_says_that_nothing_was_created() -> None:
    with pytest.raises(ConnectionFailed, match="refused") as raised:
        Replicate(base_url="http://127.0.0.1:9", retries=Retries(attempts=3, first=0.01)).run("a/b")
    assert not raised.value.maybe_created


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_refused_create_is_neither_repeated_nor_looked_for(wire: Start, client_of: Any, status: int) -> None:
    server = wire(lambda r: [answer({"detail": "no"}, status)])
    with pytest.raises(ResponseError):
        client_of(server).run(f"a/b:{VERSION}")
    assert len(server.requests) == 1


def test_bad_input_is_an_error_before_anything_is_sent(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(described("succeeded"), 201)])
    client = client_of(server)
    for call in (
        lambda: client.run("a/b", {"seed": float("inf")}),
        lambda: client.run("a/b", "prompt"),
        lambda: client.run("no-such-alias", {}),
        lambda: client.stream("a/b", {"x": object()}),
        lambda: client.chat([]),
        lambda: client.chat("hi", extra_data="x"),
        lambda: client.predictions.create("a/b", {}, webhook="nowhere"),
        lambda: client.predictions.create("a/b", {}, webhook_events_filter=["ended"]),
        lambda: client.predictions.create("a/b", {}, cancel_after="2 days"),
        lambda: client.predictions.create("a/b", {}, cancel_after=1),
        lambda: client.trainings.create("a/b", destination="c/d"),
        lambda: client.deployments.get("a/b:c"),
        lambda: client.models.get("../x"),
        lambda: client.models.update("a/b", colour="red"),
        lambda: client.models.list(limit=-1),
        lambda: client.files.create(5),
        lambda: client.predictions.get(""),
        lambda: client.predictions.get(None),
    ):
        with pytest.raises((InvalidInputError, ModelNotFoundError)):
            call()
    assert server.requests == []


def test_an_id_cannot_leave_its_path(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(described())])
    client_of(server).predictions.get("../models?x=1")
    assert server.requests[0].path == "/v1/predictions/..%2Fmodels%3Fx%3D1"


# -- Waiting is listening ------------------------------------------------------------------------------------------------


def test_between_two_looks_the_stream_tells_the_end(wire: Start, client_of: Any) -> None:
    ended: list[float] = []

    def stream() -> Any:
        yield CHUNKED
        yield chunk(event("a", 0))
        yield 0.3
        ended.append(time.monotonic())
        yield chunk(event("{}", 1, "done"))
        yield 5.0

    def reply(request: Request) -> Any:
        if request.path == "/s":
            return stream()
        urls = {"stream": f"{server.origin}/s"}
        return [answer(described("succeeded" if ended else "processing", output=["a"], urls=urls), 201)]

    server = wire(reply)
    began = time.monotonic()
    client_of(server, polling=Polling(30, 5.0)).predictions.create("a/b").wait()
    assert time.monotonic() - ended[0] < 0.3
    assert time.monotonic() - began < 2
    assert len(server.seen("GET", "/v1/predictions/p1")) == 2
    assert "authorization" not in server.seen("GET", "/s")[0].headers


def test_a_stream_that_is_of_no_use_costs_no_look(wire: Start, client_of: Any) -> None:
    def reply(request: Request) -> Any:
        if request.path == "/s":
            return [answer({"detail": "gone"}, 410)]
        looks = len(server.seen("GET", "/v1/predictions/p1"))
        return [answer(described("succeeded" if looks == 8 else "processing", urls={"stream": f"{server.origin}/s"}), 201)]

    server = wire(reply)
    client_of(server, polling=Polling(30, 0.05)).run("a/b")
    assert len(server.seen("GET", "/s")) == 3
    assert len(server.seen("GET", "/v1/predictions/p1")) == 8


# -- What a run gives ------------------------------------------------------------------------------------------------------


def schema(output: Any) -> dict[str, Any]:
    return {"latest_version": {"id": VERSION, "openapi_schema": {"components": {"schemas": {"Output": output}}}}}


@responses.activate
def test_the_schema_is_asked_for_once_and_decides() -> None:
    link = "https://replicate.delivery/x/out.png"
    responses.post(f"{API}/models/a/b/predictions", json=described("succeeded", output=link), status=201)
    responses.get(f"{API}/models/a/b", json=schema({"type": "string"}))
    one = client()
    assert one.run("a/b") == one.run("a/b") == link
    assert sent().count("GET /v1/models/a/b") == 1
    responses.replace("GET", f"{API}/models/a/b", json=schema({"type": "string", "format": "uri"}))
    assert client().run("a/b") == FileOutput(link, lambda url: iter(()))


@responses.activate
def test_a_schema_that_cannot_be_had_does_not_cost_the_result() -> None:
    responses.post(f"{API}/predictions", json=described("succeeded", version=VERSION, output=["a", " b"]), status=201)
    for status in (403, 500):
        responses.replace("GET", f"{API}/models/a/b/versions/{VERSION}", status=status) if sent() else responses.get(
            f"{API}/models/a/b/versions/{VERSION}", status=status
        )
        assert client().run(f"a/b:{VERSION}") == "a b"


def test_a_schema_that_fails_for_a_moment_is_asked_for_again(wire: Start, client_of: Any) -> None:
    def reply(request: Request) -> list[Any]:
        if request.method == "POST":
            return [answer(described("succeeded", output=["Hi"]), 201)]
        text = {"type": "array", "items": {"type": "string"}, "x-cog-array-display": "concatenate"}
        return [answer({"detail": "x"}, 503) if len(server.requests) == 2 else answer(schema(text))]

    server = wire(reply)
    assert client_of(server).run("a/b") == "Hi"


@pytest.mark.parametrize(
    "odd",
    [{"version": 5}, {"version": ["x"]}, {"model": ["x"]}, {"logs": 5}, {"error": {"a": 1}}, {"metrics": "x"}, {"urls": 5}]
    + [{"urls": {"stream": url}} for url in ("http://[bad", 5, ["x"])],
)
@pytest.mark.parametrize("status", ["succeeded", "failed", "processing"])
def test_odd_fields_cost_neither_the_result_nor_the_right_error(wire: Start, client_of: Any, odd: Any, status: str) -> None:
    def reply(request: Request) -> list[Any]:
        if request.path.startswith("/v1/models/") and request.method == "GET":
            return [answer(schema("x"))]
        return [answer({**described(status if request.method == "POST" else "succeeded", output=["Hi "]), **odd}, 201)]

    client = client_of(wire(reply))
    if status == "failed":
        with pytest.raises(PredictionFailed):
            client.run("a/b")
    else:
        assert client.run("a/b") == "Hi "
        assert "".join(client.stream("a/b")) == "Hi "


@pytest.mark.parametrize("wait", ["60", float("nan"), -1, [1]])
def test_a_wait_that_is_no_number_of_seconds_is_refused(wait: Any) -> None:
    with pytest.raises(InvalidInputError, match="wait"):
        client().run("a/b", wait=wait)


@responses.activate
def test_old_shapes_of_a_prediction_are_read() -> None:
    old = {
        "id": "p1",
        "status": "succeeded",
        "logs": None,
        "input": {},
        "version": "v",
        "metrics": {},
        "webhook_completed": None,
    }
    responses.get(f"{API}/predictions/p1", json=old)
    got = client().predictions.get("p1")
    assert (got.output, got.logs, got.urls, got.model, got.ended) == (None, "", {}, None, True)
    assert got.raw == old


@responses.activate
def test_cancel_gives_the_prediction_as_it_then_is() -> None:
    responses.post(f"{API}/predictions/p1/cancel", json=described("canceled"))
    responses.get(f"{API}/predictions/p1", json=described("processing"))
    assert client().predictions.cancel("p1").status == "canceled"
    assert client().predictions.get("p1").cancel().status == "canceled"
    assert repr(client().predictions.get("p1")) == "<Prediction p1 of a/b: processing>"


def test_an_end_that_was_announced_is_looked_at_at_once_and_then_soon() -> None:
    rests: list[float] = []

    class Noted(Deadline):
        def rest(self, seconds: float) -> None:
            rests.append(seconds)

    listener = Listener(None, Replicate()._transport, Noted())
    listener.sleep(5.0)
    listener.end = ""
    for _ in range(4):
        listener.sleep(5.0)
    assert rests == [5.0, 0.0, 0.05, 0.1, 0.2]
