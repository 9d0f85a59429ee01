"""What becomes of what a Cog server says, told by a server that says it word for word; no Cog is needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wire import CHUNKED, CUT, END, Request, Wire, answer, chunk

from replicate_sync.server import CogError, LocalServer
from replicate_sync.server.cog.conversion import parse_document, parse_output
from replicate_sync.server.cog.predictor import Predictor

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


def said(*events: tuple[str, dict[str, Any]]) -> list[Any]:
    parts = [
        chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()) for name, data in events
    ]
    return [CHUNKED, *parts]


def whole(*events: tuple[str, dict[str, Any]]) -> list[Any]:
    return [*said(*events), chunk(b"")]


class Script:
    """A Cog server with a schema of output, that answers each request for a prediction as it is told to."""

    def __init__(self, output: dict[str, Any] | None, *answers: list[Any]) -> None:
        self.output, self.answers, self.health = output, list(answers), READY

    def __call__(self, request: Request) -> list[Any]:
        if request.path == "/health-check":
            return [answer(self.health)]
        if request.path == "/openapi.json":
            return (
                [answer(document(self.output))] if self.output else [answer({"error": "none"}, 503)]
            )
        if request.path.endswith("/cancel"):
            return [answer({})]
        return self.answers.pop(0)


@pytest.fixture
def fronted(
    local: LocalServer, wire: Callable[[Callable[[Request], Any]], Wire]
) -> Callable[..., Wire]:
    def front(output: dict[str, Any] | None, *answers: list[Any]) -> Wire:
        cog = wire(Script(output, *answers))
        local.cog("me/cog", url=cog.origin)
        return cog

    return front


def test_a_taken_slot_is_tried_again(fronted: Any, call: Any) -> None:
    gone = whole(
        (
            "completed",
            {"status": "failed", "error": "Failed to send request: Broken pipe", "metrics": {}},
        )
    )
    done = whole(
        ("completed", {"status": "succeeded", "output": ["x"], "metrics": {"predict_time": 0.25}})
    )
    cog = fronted(WORDS, [answer(BUSY, 409)], gone, done)
    body = call.run("me/cog", {"prompt": "x"})
    assert (body["output"], body["metrics"]["predict_time"]) == (["x"], 0.25)
    tries = cog.seen("POST", "/predictions")
    assert len({one.json["id"] for one in tries}) == 1
    assert [one.json["input"] for one in tries] == [{"prompt": "x"}] * 3


def test_a_model_that_does_not_stream_gives_all_at_its_end(fronted: Any, call: Any) -> None:
    whole = {"status": "succeeded", "output": ["a", "b"], "logs": "told\n", "metrics": {}}
    cog = fronted(WORDS, [answer(NO_STREAM, 406)], [answer(whole)])
    body = call.run("me/cog", {"prompt": "x", "mode": "b"})
    assert (body["output"], body["logs"]) == (["a", "b"], "told")
    assert [one.headers["accept"] for one in cog.seen("POST", "/predictions")] == [
        "text/event-stream",
        "application/json",
    ]


def test_without_a_schema_anything_is_taken_and_given(fronted: Any, call: Any) -> None:
    fronted(
        None,
        [
            answer(
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


def test_events_that_are_lost_come_with_the_end(fronted: Any, call: Any) -> None:
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
    cog = fronted(WORDS, [*said(("output", {"chunk": "a", "index": 0})), end])
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
def test_an_error_is_the_predictors_words(fronted: Any, call: Any, error: str, shown: str) -> None:
    fronted(
        WORDS,
        whole(
            ("completed", {"status": "failed", "error": error, "metrics": {}, "logs": "before\n"})
        ),
    )
    body = call.run("me/cog", {"prompt": "x"})
    assert (body["status"], body["error"], body["logs"]) == ("failed", shown, "before")


def test_a_file_that_comes_in_many_parts_takes_no_longer_than_it_takes(
    fronted: Any, call: Any
) -> None:
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


def test_a_refusal_is_told_field_by_field(fronted: Any, call: Any) -> None:
    found = [{"loc": ["body", "input", "prompt"], "msg": "too short", "type": "value_error"}]
    fronted(WORDS, [answer({"detail": found}, 422)], [answer(b"no", 413)], [answer(b"oh no", 500)])
    assert call.run("me/cog", {"prompt": "x"})["error"] == "prompt: too short"
    assert call.run("me/cog", {"prompt": "x"})["error"].startswith(
        "The input is larger than the Cog server takes"
    )
    assert call.run("me/cog", {"prompt": "x"})["error"] == "500 oh no"


def test_a_canceled_prediction_is_canceled_at_cog_and_waits_for_its_end(
    fronted: Any, call: Any
) -> None:
    late = [
        *said(("log", {"data": "begun\n"})),
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


def test_a_url_where_nobody_is_is_told(local: LocalServer) -> None:
    with pytest.raises(CogError, match=r"No Cog server answers at http://127\.0\.0\.1:1"):
        local.cog("me/cog", url="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="owner/name"):
        local.cog("nameless", url="http://127.0.0.1:1")


def test_without_cog_it_is_said_what_to_install(local: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "cog.py").write_text("raise ModuleNotFoundError(\"No module named 'cog'\")")
    (tmp_path / "predict.py").write_text("import cog")
    with pytest.raises(CogError, match=r"pip install \"replicate-sync\[cog\]\""):
        local.cog("me/cog", str(tmp_path / "predict.py"))


def test_a_folder_names_its_predictor(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "predict.py").write_text("")
    with pytest.raises(CogError, match=r"No cog\.yaml in .* names a predictor"):
        Predictor(str(tmp_path))
    (tmp_path / "cog.yaml").write_text(
        'concurrency:\n  max: 4\npredict: "src/predict.py:Mine" # ours\n'
    )
    for given in (str(tmp_path), f"{tmp_path / 'src' / 'predict.py'}:Mine"):
        found = Predictor(given)
        assert (found.folder, found.reference, found.slots) == (tmp_path, "src/predict.py:Mine", 4)


def test_references_of_a_schema_are_resolved() -> None:
    given, made = parse_document(document({"$ref": "#/components/schemas/mode"}))
    assert given["properties"]["mode"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert made == {"type": "string", "enum": ["a", "b"], "title": "Output"}


def test_a_text_that_looks_like_a_file_stays_a_text() -> None:
    assert parse_output(PNG, {"type": "string"}) == PNG
    assert parse_output(PNG, {"type": "string", "format": "uri"}).read() == b"\x89PNG"
    assert parse_output("data:,a%20b", {}).read() == b"a b"
    assert parse_output("data:;base64,not base64", {}) == "data:;base64,not base64"
    assert (
        parse_output("https://example.com/x.png", {"format": "uri"}) == "https://example.com/x.png"
    )
