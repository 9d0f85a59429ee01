"""Tools that stand around requests work here as they do with requests itself."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
import requests
import requests_cache
import requests_mock
import responses
import vcr
from requests.adapters import BaseAdapter, HTTPAdapter
from vcr.errors import CannotOverwriteExistingCassetteException
from wire import (
    CHUNKED,
    LAST_CHUNK,
    TOKEN,
    MakeClient,
    Request,
    StartWire,
    Wire,
    chunk,
    event,
    response,
)

from replicate_sync import ConnectionFailed, Replicate, Retries

LLAMA = "meta/meta-llama-3-70b-instruct"
DONE = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
RESULTS = ("hi", "Once upon a time", "hi")
EVENTS = [event("Once", 0), event(" upon", 1), event(" a time", 2), event("{}", 3, "done")]
ONCE = Retries(attempts=1)
API = "https://api.replicate.com/v1"


def starting(stream_url: str) -> dict[str, Any]:
    """Return a prediction that has just been created."""
    return {
        **DONE,
        "id": "p2",
        "status": "starting",
        "output": None,
        "urls": {"stream": stream_url},
    }


@pytest.fixture
def api(wire: StartWire) -> Wire:
    """Return a server with a held response to `run`, an event stream for `chat`, and a poll."""

    def respond(request: Request) -> list[bytes]:
        if request.path == "/stream":
            return [CHUNKED, *map(chunk, EVENTS), LAST_CHUNK]
        if request.path == f"/v1/models/{LLAMA}/predictions":
            return [response(starting(f"{server.origin}/stream"), 201)]
        return [response(DONE, 201 if request.method == "POST" else 200)]

    server = wire(respond)
    return server


def call_all(client: Replicate) -> tuple[str, str, str]:
    """Call `run`, `chat` and `predictions.get`, and return their results."""
    return (
        client.run("a/b", {"prompt": "x"}),
        "".join(client.chat("hello")),
        client.predictions.get("p1").output,
    )


@pytest.fixture
def cassette(tmp_path: Path) -> Iterator[str]:
    """Return the path of a cassette. Some versions of vcrpy leave sockets to the collector."""
    yield str(tmp_path / "calls.yaml")
    gc.collect(1)


vcrpy_leaves_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.mark.slow
@vcrpy_leaves_sockets
@pytest.mark.parametrize("is_warm", [False, True])
def test_vcrpy_records_a_call_and_replays_it_without_a_server(
    api: Wire, client_of: MakeClient, cassette: str, is_warm: bool
) -> None:
    client = client_of(api)
    if is_warm:  # with a connection from before the cassette
        call_all(client)
    with vcr.use_cassette(cassette, record_mode="once") as recorded:
        assert call_all(client) == RESULTS
        assert len(recorded) == 4
    received = len(api.requests)
    with vcr.use_cassette(cassette, record_mode="none") as replayed:
        assert call_all(client) == RESULTS
        assert replayed.play_count == 4
    with vcr.use_cassette(cassette, record_mode="none"):
        assert call_all(client_of(api)) == RESULTS
    assert len(api.requests) == received
    assert call_all(client) == RESULTS
    assert len(api.requests) == received + 4


_FIRST_IN_A_CASSETTE = """
import sys, vcr
from replicate_sync import Replicate
address, cassette = sys.argv[1:]
with vcr.use_cassette(cassette):
    print(Replicate("r8_x", base_url=address).run("a/b"))
print(Replicate("r8_x", base_url=address).run("a/b"))
"""


@pytest.mark.slow
def test_what_is_imported_within_a_cassette_works_behind_it(api: Wire, cassette: str) -> None:
    command = [sys.executable, "-c", _FIRST_IN_A_CASSETTE, api.origin, cassette]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.stdout.split() == ["hi", "hi"], ran.stderr
    assert len(api.requests) == 2
    assert Path(cassette).read_text().count("uri:") == 1


@vcrpy_leaves_sockets
def test_vcrpy_replays_where_the_server_is_gone(
    api: Wire, client_of: MakeClient, cassette: str
) -> None:
    with vcr.use_cassette(cassette, filter_headers=["authorization"]):
        call_all(client_of(api))
    assert TOKEN not in Path(cassette).read_text(encoding="utf-8")
    api.close()
    with vcr.use_cassette(cassette, record_mode="none"):
        assert call_all(client_of(api)) == RESULTS


@pytest.mark.slow
@vcrpy_leaves_sockets
def test_what_vcrpy_has_not_recorded_never_reaches_the_server(
    api: Wire, client_of: MakeClient, cassette: str
) -> None:
    client = client_of(api)
    client.predictions.get("p1")
    received = len(api.requests)
    with vcr.use_cassette(cassette, record_mode="none"):
        for one in (client, Replicate()):  # over http, and over https
            for call in (lambda: one.predictions.get("p1"), lambda: one.run("a/b")):  # noqa: B023
                with pytest.raises(CannotOverwriteExistingCassetteException):
                    call()
    assert len(api.requests) == received


@pytest.mark.slow
@vcrpy_leaves_sockets
def test_the_head_is_bounded_again_after_a_cassette(
    wire: StartWire, client_of: MakeClient, cassette: str
) -> None:
    server = wire(
        lambda r: [response(DONE) if len(server.requests) == 1 else b"HTTP/1.1 200 X\r\nA"]
    )
    client = client_of(server, retries=ONCE, timeout=0.1)
    with vcr.use_cassette(cassette):
        client.predictions.get("p1")
    with pytest.raises(ConnectionFailed, match="silent"):
        client.predictions.get("p1")


@pytest.mark.slow
def test_requests_cache_keeps_a_response(api: Wire, client_of: MakeClient) -> None:
    session = requests_cache.CachedSession(backend="memory")
    client = client_of(api, session=session)
    for _ in range(2):
        assert call_all(client) == RESULTS
    assert len(api.seen("GET", "/v1/predictions/p1")) == 1
    assert len(api.seen("POST", "/v1/models/a/b/predictions")) == 2


def test_requests_mock_takes_the_place_of_the_api() -> None:
    with requests_mock.Mocker() as mock:
        mock.post(f"{API}/models/a/b/predictions", json=DONE, status_code=201)
        mock.post(f"{API}/models/{LLAMA}/predictions", json=starting("https://s.example/1"))
        mock.get(f"{API}/predictions/p1", json=DONE)
        mock.get(
            "https://s.example/1",
            content=b"".join(EVENTS),
            headers={"Content-Type": "text/event-stream"},
        )
        assert call_all(Replicate()) == RESULTS
        created = mock.request_history[0]
        assert created.headers["Authorization"] == f"Bearer {TOKEN}"
        assert "Authorization" not in mock.request_history[2].headers
        with pytest.raises(requests_mock.NoMockAddress):
            Replicate().predictions.get("unknown")


@responses.activate
def test_responses_takes_the_place_of_the_api() -> None:
    responses.post(f"{API}/models/a/b/predictions", json=DONE, status=201)
    responses.post(f"{API}/models/{LLAMA}/predictions", json=starting("https://s.example/1"))
    responses.get(f"{API}/predictions/p1", json=DONE)
    responses.get("https://s.example/1", b"".join(EVENTS), content_type="text/event-stream")
    assert call_all(Replicate()) == RESULTS
    with pytest.raises(ConnectionFailed):
        Replicate(retries=ONCE).predictions.get("unknown")


class Span:
    """A span of a trace."""

    def __init__(self, name: str, attributes: Any) -> None:
        self.name = name
        self.attributes = dict(attributes or {})

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def is_recording(self) -> bool:
        return True

    def set_attribute(self, name: str, value: object) -> None:
        self.attributes[name] = value

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **options: None


@pytest.mark.slow
def test_opentelemetry_makes_spans_without_the_token(api: Wire, client_of: MakeClient) -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    instrumentor_module = pytest.importorskip("opentelemetry.instrumentation.requests")
    spans: list[Any] = []

    class Tracer(trace.NoOpTracer):  # type: ignore[misc,name-defined]
        def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Any:
            spans.append(Span(name, options.get("attributes")))
            return spans[-1]

    provider = SimpleNamespace(get_tracer=lambda *args, **options: Tracer())
    instrumentor = instrumentor_module.RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        assert call_all(client_of(api)) == RESULTS
    finally:
        instrumentor.uninstrument()
    assert [span.name for span in spans] == ["POST", "POST", "GET", "GET"]
    shown = str([span.attributes for span in spans])
    assert f"{api.url}/predictions/p1" in shown
    assert TOKEN not in shown
    assert call_all(client_of(api)) == RESULTS
    assert len(spans) == 4


class CountingSession(requests.Session):
    """A session of one's own class, which sees every request."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def request(self, method: str, url: str, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        self.count += 1
        return super().request(method, url, *args, **options)


def test_a_session_of_ones_own_sends_every_request(api: Wire, client_of: MakeClient) -> None:
    for session in (requests.Session(), CountingSession()):
        session.headers["X-Mine"] = "yes"
        assert call_all(client_of(api, session=session)) == RESULTS
        assert all(r.headers["x-mine"] == "yes" for r in api.requests)
        assert "Authorization" not in session.headers
    assert session.count == 4  # type: ignore[attr-defined]


def test_a_session_may_have_adapters_of_its_own(api: Wire, client_of: MakeClient) -> None:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=2))
    assert call_all(client_of(api, session=session)) == RESULTS
    assert len(api.requests) == 4


def read_text(received: requests.Response, *args: Any, **options: Any) -> None:
    assert received.text


def read_in_pieces(received: requests.Response, *args: Any, **options: Any) -> None:
    assert b"".join(received.iter_content(5))


@pytest.mark.parametrize("is_held", [True, False])
def test_a_hook_may_read_the_body_before_this_package_does(
    wire: StartWire, client_of: MakeClient, is_held: bool
) -> None:
    server = wire(lambda r: [response(DONE if is_held else {**DONE, "output": "x" * 200_000})])
    session = requests.Session()
    session.hooks["response"].append(read_text)
    expected = "hi" if is_held else "x" * 200_000
    assert client_of(server, session=session).predictions.get("p1").output == expected


def test_a_hook_that_takes_the_body_away_is_an_error(api: Wire, client_of: MakeClient) -> None:
    session = requests.Session()
    session.hooks["response"].append(read_in_pieces)
    with pytest.raises(ConnectionFailed, match="The session raised StreamConsumedError"):
        client_of(api, session=session, retries=ONCE).predictions.get("p1")


class CannedAdapter(BaseAdapter):
    """Makes responses without a connection, as people do by hand.

    Args:
        fill: Puts the body into a response.
    """

    def __init__(self, fill: Callable[[requests.Response, bytes], None]) -> None:
        super().__init__()
        self._fill = fill

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        made = requests.Response()
        made.status_code = 200
        made.url = request.url
        made.request = request
        body = json.dumps(DONE).encode()
        if request.url.endswith("/stream"):
            made.headers["Content-Type"] = "text/event-stream"
            body = b"".join(EVENTS)
        elif LLAMA in request.url:
            body = json.dumps(starting("http://any.example/stream")).encode()
        self._fill(made, body)
        return made

    def close(self) -> None:
        pass


def fill_raw(made: requests.Response, body: bytes) -> None:
    made.raw = BytesIO(body)


def fill_content(made: requests.Response, body: bytes) -> None:
    made._content = body


@pytest.mark.parametrize("fill", [fill_raw, fill_content])
def test_a_response_may_be_made_by_hand(fill: Callable[[requests.Response, bytes], None]) -> None:
    session = requests.Session()
    session.mount("http://", CannedAdapter(fill))
    assert call_all(Replicate(base_url="http://any.example/v1", session=session)) == RESULTS


def test_whatever_has_status_headers_and_content_is_a_response() -> None:
    body = json.dumps(DONE).encode()
    made = SimpleNamespace(raw=None, status_code=200, headers={}, content=body)
    session: Any = SimpleNamespace(request=lambda *args, **options: made)
    assert Replicate(session=session).predictions.get("p1").output == "hi"


def without_proxies(method: str, url: str, data: object, timeout: object) -> None:
    raise AssertionError


def raising(error: Exception) -> Callable[..., Any]:
    def request(*args: Any, **options: Any) -> Any:
        raise error

    return request


ODD_SESSIONS: dict[str, Callable[..., Any]] = {
    "takes no proxies": without_proxies,
    "returns None": lambda *args, **options: None,
    "returns a str": lambda *args, **options: "response",
    "returns a mock": MagicMock(),
    "returns a response without a status": lambda *args, **options: requests.Response(),
    "raises KeyError": raising(KeyError("x")),
    "raises AttributeError": raising(AttributeError("x")),
    "raises IndexError": raising(IndexError("x")),
}


@pytest.mark.parametrize("request_", ODD_SESSIONS.values(), ids=ODD_SESSIONS.keys())
def test_an_odd_session_is_an_error_of_this_package_with_the_cause_chained(
    request_: Callable[..., Any],
) -> None:
    session: Any = SimpleNamespace(request=request_)
    client = Replicate(session=session)
    calls: list[Callable[[], Any]] = [
        lambda: client.predictions.get("p1"),
        lambda: client.run("a/b"),
        lambda: list(client.chat("hello")),
        lambda: list(client.predictions.list()),
    ]
    for call in calls:
        with pytest.raises(ConnectionFailed, match="The session raised") as raised:
            call()
        assert isinstance(raised.value.__cause__, TypeError | AttributeError | LookupError)


def test_an_odd_session_is_not_tried_again() -> None:
    calls: list[str] = []

    def request(method: str, url: str, **options: Any) -> None:
        calls.append(method)

    session: Any = SimpleNamespace(request=request)
    with pytest.raises(ConnectionFailed):
        Replicate(session=session).predictions.get("p1")
    assert calls == ["GET"]


QUEUES_IN_PYTHON = """
import sys
sys.modules["_queue"] = None  # as on PyPy; eventlet has others as well
from replicate_sync import Replicate
client = Replicate("r8_x", base_url=sys.argv[1])
assert client.predictions.get("p1").output == "hi"
assert list(client.map("a/b", [{}, {}])) == ["hi", "hi"]
"""


@pytest.mark.slow
def test_queues_may_be_written_in_python(api: Wire) -> None:
    subprocess.run([sys.executable, "-c", QUEUES_IN_PYTHON, api.url], timeout=30, check=True)
