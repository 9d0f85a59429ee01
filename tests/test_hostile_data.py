"""Whatever another side sends, no exception leaves the package that is not its own."""

from __future__ import annotations

import base64
import hmac
import json
import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scripted_session import Reply, is_event_stream, scripted_session

from replicate_sync import (
    FileOutput,
    Polling,
    Prediction,
    Replicate,
    ReplicateError,
    ReplicateHome,
    Retries,
    WebhookError,
)
from replicate_sync.http.response_errors import error_for_response
from replicate_sync.resources.webhooks import verify

API = "https://api.test/v1"
KEY = base64.b64encode(b"key").decode()
DEEP = "[" * 400 + '"https://api.test/v1/x"' + "]" * 400
DEEPER = '{"a":[' * 900 + "]}" * 900
FAR = "9999-12-31T23:59:59.999999Z"
FAR_DATE = "Fri, 31 Dec 9999 23:59:59 GMT"

WORDS = [
    *("succeeded", "processing", "starting", "failed", "canceled", "https://api.test/v1/s", FAR),
    *("\ud800", "\udfff x", "data:image/png;base64,\ud800", "https://\ud800/", "https://[", ""),
    *("//", "data:,", "data:;base64,!", "a/b", "a" * 64, "string", "array", "object", "uri"),
    *("#/components/schemas/Output", "concatenate", "0001-01-01T00:00:00Z", "50%|x| 1/2"),
    "9" * 5000 + "%|##| " + "9" * 5000 + "/" + "9" * 5000 + " ",
]
NAMES = [
    *("id", "status", "output", "error", "logs", "metrics", "urls", "get", "stream", "cancel"),
    *("input", "model", "version", "created_at", "predict_time", "data_removed", "results"),
    *("next", "latest_version", "openapi_schema", "components", "schemas", "Input", "Output"),
    *("properties", "type", "items", "format", "$ref", "allOf", "enum", "default", "minimum"),
    *("x-order", "title", "detail", "retry_after", "invalid_fields", "name", "key", "owner"),
    *("current_release", "configuration", "models", "slug", "default_example", "run_count"),
    *("source", "training", "destination", "etag", "checksums", "x-cog-array-display"),
]

ODD_SCHEMAS = {
    "Input": {
        "properties": {
            "x": {"type": ["a"], "enum": 5, "x-order": "a", "default": [[]], "minimum": "a"},
            "y": {"x-order": 5, "allOf": [{"$ref": "#/components/schemas/Input"}]},
            "z": {"x-order": None, "type": 5, "enum": [[]]},
            "u": 5,
        },
        "required": 5,
    },
    "Output": {
        "type": ["string"],
        "format": ["uri"],
        "properties": 5,
        "items": [1],
        "allOf": [1],
        "anyOf": [{"$ref": "#"}],
        "additionalProperties": [],
    },
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just(10**400)
    | st.sampled_from(WORDS)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=25,
)
PREDICTIONS = st.fixed_dictionaries(
    {"id": st.sampled_from(["p1", "\ud800", "a/b", "\n", ""])},
    optional={
        "status": st.sampled_from(["succeeded", "failed", "processing", "canceled", "odd"]),
        "output": VALUES | st.just(json.loads(DEEP)),
        "error": VALUES | st.just(json.loads(DEEP)),
        "logs": SCALARS,
        "metrics": VALUES,
        "input": VALUES | st.just(json.loads(DEEP)),
        "model": SCALARS,
        "version": SCALARS,
        "created_at": SCALARS,
        "urls": st.fixed_dictionaries({"stream": SCALARS}) | VALUES,
    },
)
BODIES = st.one_of(
    VALUES.map(json.dumps).map(str.encode),
    PREDICTIONS.map(json.dumps).map(str.encode),
    st.sampled_from([DEEP.encode(), DEEPER.encode(), b"9" * 5000, b"\xff", b"", b"\xef\xbb\xbf{}"]),
    st.binary(max_size=20),
)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["output", "done", "error", "odd", "output"]),
        st.sampled_from(["1:0", "1:1", "1:2", "", "\0", "9" * 5000]) | st.text(max_size=3),
        st.sampled_from([DEEP, DEEPER, "{}", '{"reason": [[]]}', "9" * 5000])
        | st.sampled_from(WORDS),
    ),
    max_size=5,
)
HEADER_VALUES = st.sampled_from(
    [
        *(FAR_DATE, "9" * 5000, "-1", "1e999", "nan", "bytes 5-3/1", "\xff", "Mon", "", "; ="),
        *("31 Dec 9999 23:59:59 -9999", "Fri, 31 Dec 0000 23:59:59 GMT", "٣", "1" * 40, "1, 2"),
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("Date", "Retry-After", "ratelimit-reset", "Content-Type", "Content-Range", "ETag"),
            *("Location", "Content-Disposition"),
        ]
    ),
    HEADER_VALUES,
    max_size=4,
)
RESPONSES = st.lists(
    st.tuples(
        st.sampled_from([200, 200, 200, 201, 206, 302, 404, 416, 422, 429, 500]), HEADERS, BODIES
    ),
    min_size=1,
    max_size=4,
)
FUZZ = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def session_of(responses: Iterable[Reply], events: bytes | None = None) -> requests.Session:
    """Return a session that responds with these, one after the other, and ever the last one.

    Args:
        responses: The responses.
        events: What an event stream is instead, or None.
    """
    remaining = list(responses)

    def respond(request: requests.PreparedRequest) -> Reply:
        reply = remaining[0]
        if len(remaining) > 1:
            del remaining[0]
        if events is not None and is_event_stream(request):
            return 200, {"Content-Type": "text/event-stream"}, events
        return reply

    return scripted_session(respond)


def client_of(responses: Iterable[Reply], events: bytes | None = None) -> Replicate:
    return Replicate(
        "r8_x",
        base_url=API,
        session=session_of(responses, events),
        polling=Polling(attempts=2, delay=0),
        retries=Retries(attempts=2, first=0, ceiling=0, longest=0),
    )


def shown(value: Any) -> None:
    """Show a value as a prompt, a notebook and a log would, and send it to another process."""
    repr(value)
    if isinstance(value, Prediction | FileOutput):
        value._repr_mimebundle_()
    if isinstance(value, Prediction):
        for name in ("progress", "predict_time", "total_time", "input_tokens", "output_tokens"):
            getattr(value, name)
        value.parse_output()
    if isinstance(value, FileOutput):
        (value.name, value.mime_type, value.read())


def all_of(items: Iterable[Any]) -> None:
    for item in items:
        shown(item)


OPERATIONS: dict[str, Callable[[Replicate], Any]] = {
    "run": lambda client: shown(client.run("a/b", {"x": 1})),
    "run a version": lambda client: shown(client.run("a/b:" + "a" * 64, {"x": 1})),
    "validate": lambda client: shown(client.run("a/b", {"x": 1}, validate=True)),
    "chat": lambda client: list(client.chat("hi", "a/b")),
    "stream": lambda client: list(client.stream("a/b", {"x": 1})),
    "map": lambda client: all_of(client.map("a/b", [{"x": 1}, {"x": 2}])),
    "wait": lambda client: shown(client.predictions.get("p1").wait()),
    "join": lambda client: list(client.predictions.get("p1").stream()),
    "create": lambda client: shown(client.predictions.create("a/b", {"x": 1})),
    "cancel": lambda client: shown(client.predictions.cancel("p1")),
    "predictions": lambda client: all_of(client.predictions.list(limit=5)),
    "model": lambda client: shown(client.models.get("a/b")),
    "inputs": lambda client: shown(client.models.inputs("a/b")),
    "latest version": lambda client: shown(client.models.get("a/b").latest_version),
    "models": lambda client: all_of(client.models.list(limit=5)),
    "search models": lambda client: all_of(client.models.search("x", limit=5)),
    "search": lambda client: shown(client.search("x").models),
    "versions": lambda client: all_of(client.models.versions.list("a/b", limit=5)),
    "examples": lambda client: all_of(client.models.examples.list("a/b", limit=5)),
    "readme": lambda client: shown(client.models.readme.get("a/b")),
    "training": lambda client: shown(client.trainings.get("t1").wait()),
    "trainings": lambda client: all_of(client.trainings.list(limit=5)),
    "file": lambda client: shown(client.files.get("f1")),
    "files": lambda client: all_of(client.files.list(limit=5)),
    "collection": lambda client: shown(client.collections.get("x").models),
    "collections": lambda client: all_of(client.collections.list(limit=5)),
    "deployment": lambda client: shown(client.deployments.get("a/b")),
    "deployments": lambda client: all_of(client.deployments.list(limit=5)),
    "hardware": lambda client: all_of(client.hardware.list()),
    "account": lambda client: shown(client.account.get()),
    "secret": lambda client: shown(client.webhooks.default.secret.get()),
}


def attempt(operation: Callable[[], Any]) -> None:
    """Do something that may fail with an error of this package, which can be shown and sent."""
    try:
        operation()
    except ReplicateError as error:
        str(error)
        repr(error)


STREAMED = {"stream": "https://stream.test/s"}
STREAMING = ["chat", "stream", "wait", "join", "run"]


def ok(body: str) -> Reply:
    return (200, {"Date": FAR_DATE}, body.encode())


def prediction(**fields: Any) -> Reply:
    return ok(json.dumps({"id": "p1", "status": "succeeded", **fields}))


CASES: dict[str, list[Reply]] = {
    "a deep output": [prediction(output=json.loads(DEEP), model="a/b")],
    "a deep error": [prediction(status="failed", error=json.loads(DEEP), logs=json.loads(DEEP))],
    "a deep input": [prediction(input=json.loads(DEEP))],
    "deeper than JSON can be": [ok(DEEPER)],
    "a far date": [
        (500, {"Date": FAR_DATE}, b""),
        ok(json.dumps({"results": [{"id": "x", "status": "y", "created_at": FAR}]})),
    ],
    "another far date": [(500, {"Date": "31 Dec 9999 23:59:59 -9999"}, b"")],
    "a date before all": [(500, {"Date": "Fri, 31 Dec 0000 23:59:59 GMT"}, b"")],
    "a far creation": [prediction(status="processing", created_at=FAR), prediction(output="x")],
    "a long pause": [(429, {"Retry-After": "9" * 5000}, b'{"retry_after": 1%s}' % (b"0" * 400))],
    "half a character as an id": [
        prediction(id="\ud800", status="processing"),
        prediction(id="\ud800"),
    ],
    "half a character in an output": [prediction(output="data:image/png;base64,\ud800")],
    "half a character in addresses": [
        prediction(output=["https://api.test/v1/\ud800", "data:,\ud800", "https://\ud800/"])
    ],
    "half a character as a version": [
        prediction(model="a/b\n", version="\ud800", output=["https://api.test/x"])
    ],
    "half a character as a stream": [
        prediction(status="processing", urls={"stream": "https://\ud800/"}),
        prediction(output="x"),
    ],
    "half a character in a link": [
        ok(json.dumps({"results": [], "next": "https://x/?\ud800=\ud800"}))
    ],
    "no address as a stream": [
        prediction(status="processing", urls={"stream": "https://["}),
        prediction(output="x"),
    ],
    "no address of a redirect": [(302, {"Location": "https://["}, b"")],
    "long numbers in logs": [
        prediction(logs=f"{'9' * 5000}%|##| {'9' * 5000}/{'9' * 5000} "),
    ],
    "a long metric": [
        prediction(metrics={"predict_time": 10**400, "input_token_count": float("nan")})
    ],
    "a schema of odd parts": [
        ok(
            json.dumps(
                {
                    "url": json.loads(DEEP),
                    "latest_version": {
                        "id": "x",
                        "openapi_schema": {"components": {"schemas": ODD_SCHEMAS}},
                    },
                }
            )
        )
    ],
}


USUAL = ["run", "validate", "stream", "map", "wait", "predictions", "model", "search"]


# A create is looked up for seconds where a clock is that wrong.
LONG = [case for case in CASES if "date" in case]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.slow] if case in LONG else []) for case in CASES],
)
@pytest.mark.parametrize("names", [USUAL, pytest.param([*OPERATIONS], marks=pytest.mark.slow)])
def test_a_case_that_was_seen(case: str, names: list[str]) -> None:
    for name in names:
        attempt(partial(OPERATIONS[name], client_of(CASES[case])))


@pytest.mark.parametrize("name", STREAMING)
@pytest.mark.parametrize("event", ["done", "error", "output"])
def test_a_deep_event(name: str, event: str) -> None:
    events = f"event: {event}\ndata: {DEEPER}\n\n".encode()
    states = [prediction(status="processing", urls=STREAMED), prediction(output=["x"])]
    attempt(lambda: OPERATIONS[name](client_of(states, events)))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
@FUZZ
@given(RESPONSES)
def test_responses(name: str, responses: list[Reply]) -> None:
    attempt(lambda: OPERATIONS[name](client_of(responses)))


def serialized(events: list[tuple[str, str, str]]) -> bytes:
    text = "".join(f"event: {name}\nid: {id}\ndata: {data}\n\n" for name, id, data in events)
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.slow
@pytest.mark.parametrize("name", STREAMING)
@FUZZ
@given(EVENTS, st.lists(PREDICTIONS, min_size=1, max_size=3), st.binary(max_size=30))
@example([("done", "", DEEPER)], [{"status": "processing"}], b"")
@example([("error", "", DEEPER)], [{"status": "processing"}], b"")
@example([("output", "1", DEEP)], [{"output": json.loads(DEEP)}], b"")
def test_event_streams(
    name: str, events: list[tuple[str, str, str]], states: list[dict[str, Any]], rest: bytes
) -> None:
    responses = [prediction(**{**state, "id": "p1", "urls": STREAMED}) for state in states]
    attempt(lambda: OPERATIONS[name](client_of(responses, serialized(events) + rest)))


@pytest.mark.slow
@FUZZ
@given(RESPONSES)
@example([prediction(output=json.loads(DEEP))])
def test_the_homepage(responses: list[Reply]) -> None:
    home = ReplicateHome(
        base_url="https://api.test",
        session=session_of(responses),
        polling=Polling(attempts=2, delay=0),
        retries=Retries(attempts=1),
    )
    attempt(lambda: list(home.chat("hi")))
    attempt(lambda: shown(home.image("hi")))


def signed_at(timestamp: str, body: bytes) -> dict[str, str]:
    digest = hmac.new(b"key", f"m.{timestamp}.".encode() + body, "sha256").digest()
    return {
        "webhook-id": "m",
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


TIMESTAMPS = st.sampled_from(["9" * 400, "9" * 5000, "-" + "9" * 400, "nan", "1_0", "٣", "\ud800"])


@settings(max_examples=10, deadline=None)
@given(BODIES, TIMESTAMPS | st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
@example(b"{}", "9" * 400, "m", "v1,x")
@example(b"{}", "\ud800", "\ud800", "v1,\ud800")
def test_webhooks(body: bytes, timestamp: str, message_id: str, signature: str) -> None:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature,
    }
    for text in (body, "\ud800"):
        for secret in (f"whsec_{KEY}", "whsec_\ud800"):
            with pytest.raises(WebhookError):
                verify(text, headers, secret)
            headers["webhook-timestamp"] = str(int(time.time()))
            with pytest.raises(WebhookError):
                verify(text, headers, secret)
            headers["webhook-timestamp"] = timestamp


@pytest.mark.slow
@FUZZ
@given(BODIES)
@example(DEEPER.encode())
@example(json.dumps({"id": "\ud800", "status": "succeeded"}).encode())
@example(json.dumps({"id": "p", "status": "succeeded", "output": json.loads(DEEP)}).encode())
def test_what_a_signed_webhook_says(body: bytes) -> None:
    client = client_of([ok(json.dumps({"key": f"whsec_{KEY}"}))])
    headers = signed_at(str(int(time.time())), body)
    attempt(lambda: shown(client.webhooks.receive(body, headers)))


@settings(max_examples=20, deadline=None)
@given(st.integers(100, 599), HEADERS, BODIES)
def test_errors(status: int, headers: dict[str, str], body: bytes) -> None:
    folded = requests.structures.CaseInsensitiveDict(headers)
    error = error_for_response(status, folded, body, purpose="GET /x", model="a/b")
    assert isinstance(error, ReplicateError)
    str(error)
    pickle.loads(pickle.dumps(error))


def files(value: Any) -> Iterator[FileOutput]:
    if isinstance(value, FileOutput):
        yield value
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from files(item)


@pytest.mark.slow
@FUZZ
@given(st.sampled_from(WORDS) | st.text(max_size=30), RESPONSES)
@example("https://api.test/v1/\ud800", [(200, {"Content-Disposition": "\xff"}, b"x")])
def test_files(url: str, responses: list[Reply]) -> None:
    client = client_of([prediction(output=[url, {"a": f"https://api.test/v1/{url}"}]), *responses])

    def read() -> None:
        for file in files(client.run("a/b", {})):
            shown(file)
            (b"".join(file.iter_bytes()), str(file))

    attempt(read)
