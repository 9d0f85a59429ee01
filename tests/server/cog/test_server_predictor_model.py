"""A Cog server behind the local one, played by a server of raw sockets; needs no Cog."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wire import CHUNKED, CUT, END, Request, Wire, chunk, response

from replicate_sync.server import CogError, LocalServer

INPUT = {
    "type": "object",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string"},
        "mode": {"allOf": [{"$ref": "#/components/schemas/mode"}], "default": "a"},
    },
}


WORDS = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}


READY = {"status": "READY", "setup": {"logs": ""}}


BUSY = {"error": "At capacity - all prediction slots busy", "status": "failed"}


NO_STREAM = {"error": "This model does not support streaming responses."}


PNG = "data:image/png;base64,iVBORw=="


def document(output: dict[str, Any]) -> dict[str, Any]:
    return {
        "components": {
            "schemas": {
                "Input": INPUT,
                "Output": output,
                "mode": {"type": "string", "enum": ["a", "b"]},
            }
        }
    }


def stream(*events: tuple[str, dict[str, Any]]) -> list[Any]:
    parts = [
        chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()) for name, data in events
    ]
    return [CHUNKED, *parts]


def whole(*events: tuple[str, dict[str, Any]]) -> list[Any]:
    return [*stream(*events), chunk(b"")]


class Script:
    """A Cog server with an output schema, and a response for each prediction."""

    def __init__(self, output: dict[str, Any] | None, *responses: list[Any]) -> None:
        self.output = output
        self.responses = list(responses)
        self.health = READY

    def __call__(self, request: Request) -> list[Any]:
        if request.path == "/health-check":
            return [response(self.health)]
        if request.path == "/openapi.json" and self.output is None:
            return [response({"error": "none"}, 503)]
        if request.path == "/openapi.json":
            return [response(document(self.output))]
        if request.path.endswith("/cancel"):
            return [response({})]
        return self.responses.pop(0)


@pytest.fixture
def fronted(
    local: LocalServer, wire: Callable[[Callable[[Request], Any]], Wire]
) -> Callable[..., Wire]:
    def front(output: dict[str, Any] | None, *responses: list[Any]) -> Wire:
        cog = wire(Script(output, *responses))
        local.cog("me/cog", url=cog.origin)
        return cog

    return front


def test_a_busy_worker_is_tried_again(fronted: Any, call: Any) -> None:
    gone = whole(
        (
            "completed",
            {"status": "failed", "error": "Failed to send request: Broken pipe", "metrics": {}},
        )
    )
    done = whole(
        ("completed", {"status": "succeeded", "output": ["x"], "metrics": {"predict_time": 0.25}})
    )
    cog = fronted(WORDS, [response(BUSY, 409)], gone, done)
    body = call.run("me/cog", {"prompt": "x"})
    assert (body["output"], body["metrics"]["predict_time"]) == (["x"], 0.25)
    tries = cog.seen("POST", "/predictions")
    assert len({one.json["id"] for one in tries}) == 1
    assert [one.json["input"] for one in tries] == [{"prompt": "x"}] * 3


def test_a_model_that_does_not_stream_returns_all_at_its_end(fronted: Any, call: Any) -> None:
    whole = {"status": "succeeded", "output": ["a", "b"], "logs": "a line\n", "metrics": {}}
    cog = fronted(WORDS, [response(NO_STREAM, 406)], [response(whole)])
    body = call.run("me/cog", {"prompt": "x", "mode": "b"})
    assert (body["output"], body["logs"]) == (["a", "b"], "a line")
    assert [one.headers["accept"] for one in cog.seen("POST", "/predictions")] == [
        "text/event-stream",
        "application/json",
    ]


@pytest.mark.slow
def test_without_a_schema_anything_is_allowed(fronted: Any, call: Any) -> None:
    fronted(
        None,
        [
            response(
                {
                    "status": "succeeded",
                    "output": {"file": PNG, "n": [1]},
                    "logs": "",
                    "metrics": {},
                }
            )
        ],
    )
    body = call.run("me/cog", {"any": "thing", "none": None})
    assert body["output"]["n"] == [1]
    assert call.get(body["output"]["file"]).content == b"\x89PNG"
    assert body["output"]["file"].endswith("out-0.png")


@pytest.mark.slow
def test_lost_events_come_with_the_end(fronted: Any, call: Any) -> None:
    events = [("output", {"chunk": "a", "index": 0}), ("output", {"chunk": "c", "index": 2})]
    fronted(
        WORDS,
        whole(
            *events,
            ("completed", {"status": "succeeded", "output": ["a", "b", "c"], "metrics": {}}),
        ),
    )
    body = call.run("me/cog", {"prompt": "x"})
    assert body["output"] == ["a", "b", "c"]
    assert call.events(body).decode().count("event: output") == 3


@pytest.mark.parametrize("end", [CUT, END, chunk(b"")])
def test_a_connection_that_ends_too_early_is_a_failure(fronted: Any, call: Any, end: Any) -> None:
    cog = fronted(WORDS, [*stream(("output", {"chunk": "a", "index": 0})), end])
    body = call.run("me/cog", {"prompt": "x"})
    assert (body["status"], body["output"]) == ("failed", ["a"])
    assert (
        body["error"]
        == f"The Cog server at {cog.origin} ended the connection before the prediction."
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            "Prediction failed: Prediction failed: ValueError: model exploded",
            "ValueError: model exploded",
        ),
        ("Prediction failed: Generator iteration error: ValueError: boom", "ValueError: boom"),
        ("Prediction failed: Async prediction failed: KeyError: 'x'", "KeyError: 'x'"),
        ("Worker crashed", "Worker crashed"),
        ("", "The prediction failed."),
    ],
)
def test_an_error_has_the_predictors_words(fronted: Any, call: Any, error: str, shown: str) -> None:
    fronted(
        WORDS,
        whole(
            ("completed", {"status": "failed", "error": error, "metrics": {}, "logs": "before\n"})
        ),
    )
    body = call.run("me/cog", {"prompt": "x"})
    assert (body["status"], body["error"], body["logs"]) == ("failed", shown, "before")


@pytest.mark.slow
def test_a_file_in_many_parts_takes_linear_time(fronted: Any, call: Any) -> None:
    parts = [chunk(b"A" * 2**11) for _ in range(4000)]
    head = chunk(
        b'event: completed\ndata: {"status": "succeeded", "metrics": {}, "output": "data:;base64,'
    )
    fronted(
        {"type": "string", "format": "uri"}, [CHUNKED, head, *parts, chunk(b'"}\n\n'), chunk(b"")]
    )
    body = call.run("me/cog", {"prompt": "x"})
    assert len(call.get(body["output"]).content) == 4000 * 2**11 * 3 // 4
    assert body["metrics"]["total_time"] < 3


def test_a_refused_input_fails_with_each_problem(fronted: Any, call: Any) -> None:
    found = [{"loc": ["body", "input", "prompt"], "msg": "too short", "type": "value_error"}]
    fronted(
        WORDS, [response({"detail": found}, 422)], [response(b"no", 413)], [response(b"oh no", 500)]
    )
    assert call.run("me/cog", {"prompt": "x"})["error"] == "prompt: too short"
    assert call.run("me/cog", {"prompt": "x"})["error"].startswith(
        "The input is larger than the Cog server takes"
    )
    assert call.run("me/cog", {"prompt": "x"})["error"] == "500 oh no"


@pytest.mark.slow
def test_a_canceled_prediction_is_canceled_at_cog_and_waits_for_its_end(
    fronted: Any, call: Any
) -> None:
    late = [
        *stream(("log", {"data": "begun\n"})),
        0.3,
        *whole(("completed", {"status": "canceled", "metrics": {}}))[1:],
    ]
    done = whole(("completed", {"status": "succeeded", "output": [], "metrics": {}}))
    cog = fronted(WORDS, late, done)
    made = call.create("me/cog", {"prompt": "x"})
    call.until(made, lambda body: body["logs"] == "begun\n")
    second = call.create("me/cog", {"prompt": "y"})
    assert call.post(made["urls"]["cancel"]).json()["status"] == "canceled"
    id = cog.seen("POST", "/predictions")[0].json["id"]
    assert cog.seen("POST", f"/predictions/{id}/cancel")
    assert call.get(second["urls"]["get"]).json()["status"] == "starting"
    assert call.until(second, lambda body: body["status"] == "succeeded")["output"] == []


def test_a_url_without_a_server_is_an_error(local: LocalServer) -> None:
    with pytest.raises(CogError, match=r"No Cog server responds at http://127\.0\.0\.1:1"):
        local.cog("me/cog", url="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="owner/name"):
        local.cog("nameless", url="http://127.0.0.1:1")
