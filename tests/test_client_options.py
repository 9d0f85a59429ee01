"""A client with other options, and requests for what has no name here."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest
import requests
from wire import CUT, TOKEN, MakeClient, Request, StartWire, Wire, response

from replicate_sync import (
    ConnectionFailed,
    InvalidInputError,
    NotFoundError,
    Polling,
    Replicate,
    Retries,
)
from replicate_sync.offline import LocalReplicate

DONE = {"id": "p1", "status": "succeeded", "output": "hi"}


class Named(Replicate):
    """A client whose constructor is its own."""

    needs_auth = False

    def __init__(self, server: Wire, **options: Any) -> None:
        super().__init__(base_url=server.url, retries=Retries(attempts=1), **options)


def ok(request: Request) -> list[bytes]:
    return [response(DONE)]


def test_a_copy_has_other_options_and_the_same_connections(wire: StartWire) -> None:
    server = wire(ok)
    client = Replicate("r8_one", base_url=server.url, headers={"X-Team": "a"}, timeout=7)
    copy = client.with_options(api_key="r8_two", polling=Polling(2, 0))
    for one in (client, copy, client):
        one.predictions.get("p1")
    sent = [r.headers["authorization"] for r in server.requests]
    assert sent == ["Bearer r8_one", "Bearer r8_two", "Bearer r8_one"]
    assert {r.headers["x-team"] for r in server.requests} == {"a"}
    assert server.connections == 1
    assert "r8_two" not in repr(copy)


def test_none_is_an_option_too_and_what_is_not_given_stays(wire: StartWire) -> None:
    server = wire(ok)
    client = Replicate("r8_one", base_url=server.url, headers={"X-Team": "a"})
    client.with_options(api_key=None, headers=None).with_options(timeout=3).predictions.get("p1")
    [sent] = server.requests
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-team" not in sent.headers


def test_a_copy_of_a_subclass_is_one_and_can_be_pickled(wire: StartWire) -> None:
    server = wire(ok)
    copy = Named(server).with_options(api_key="r8_given")
    assert type(copy) is Named
    copy = pickle.loads(pickle.dumps(copy.with_options(timeout=3)))
    copy.predictions.get("p1")
    assert server.requests[0].headers["authorization"] == "Bearer r8_given"


def test_a_wrong_option_is_refused() -> None:
    client = Replicate("r8_one")
    with pytest.raises(InvalidInputError, match="timeout"):
        client.with_options(timeout=0)
    with pytest.raises(TypeError, match="no_such"):
        client.with_options(no_such=1)  # type: ignore[call-arg]


def test_a_copy_of_a_local_client_does_not_end_its_server() -> None:
    with LocalReplicate() as client:
        with client.with_options(timeout=9) as copy:
            assert copy.run("replicate/hello-world", {"text": "Bob"}) == "hello Bob"
        assert client.run("replicate/hello-world", {"text": "Bob"}) == "hello Bob"


def test_a_request_returns_what_the_api_responds(wire: StartWire, client_of: MakeClient) -> None:
    server = wire(lambda r: [response(b"" if r.method == "DELETE" else {"method": r.method})])
    client = client_of(server)
    query = {"source": "web"}
    assert client.request("get", "/predictions", params=query) == {"method": "GET"}
    assert client.request("PATCH", "/new/thing", {"a": 1}, headers={"X-A": "b"}) == {
        "method": "PATCH"
    }
    assert client.request("DELETE", "/files/f1") is None
    first, second, third = server.requests
    assert (first.path, first.query, first.body) == ("/v1/predictions", query, b"")
    assert (second.path, second.json, second.headers["x-a"]) == ("/v1/new/thing", {"a": 1}, "b")
    assert {r.headers["authorization"] for r in (first, second, third)} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(("method", "attempts"), [("GET", 3), ("POST", 1), ("DELETE", 1)])
def test_only_reads_are_sent_again_after_a_doubt(
    method: str, attempts: int, wire: StartWire
) -> None:
    server = wire(lambda r: [CUT])
    client = Replicate(base_url=server.url, retries=Retries(attempts=3, first=0))
    with pytest.raises(ConnectionFailed):
        client.request(method, "/x")
    assert len(server.requests) == attempts


@pytest.mark.parametrize(
    "path",
    [
        "",
        "account",
        "https://evil.example/x",
        "/x?y=1",
        "/x#y",
        "/../x",
        "/a/..",
        "/a/%2e%2E",
        "/a b",
        "/\n",
        5,
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInputError, match="path must be one behind"):
        Replicate("r8_x").request("GET", path)


@pytest.mark.parametrize("method", ["", "GET /x", "G\r\n", 5])
def test_a_method_is_one_word(method: Any) -> None:
    with pytest.raises(InvalidInputError, match="method must be one of HTTP"):
        Replicate("r8_x").request(method, "/x")


def test_other_arguments_are_validated_before_anything_is_sent(
    wire: StartWire, client_of: MakeClient
) -> None:
    server = wire(ok)
    client = client_of(server)
    for wrong in ({"body": {1, 2}}, {"headers": {"a": 1}}, {"deadline": -1}):
        with pytest.raises(InvalidInputError):
            client.request("POST", "/x", **wrong)  # type: ignore[arg-type]
    assert server.requests == []


def test_an_error_is_one_of_the_packages(wire: StartWire, client_of: MakeClient) -> None:
    with pytest.raises(NotFoundError):
        client_of(wire(lambda r: [response({}, 404)])).request("GET", "/nothing")
    with requests.Session() as session:
        client = client_of(wire(ok)).with_options(session=session)
        assert client.request("HEAD", "/x") is None


_INTERRUPTED = """
import sys, threading, _thread
from replicate_sync import Replicate

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == STOP:
            sys.meta_path.remove(self)
            _thread.interrupt_main()
            stopped.wait(0.2)

stopped = threading.Event()
sys.meta_path.insert(0, Finder())
try:
    Replicate("r8_x")
except KeyboardInterrupt:
    pass
else:
    sys.exit("not interrupted")
Replicate("r8_x").close()
import requests
import urllib3
assert requests.models is sys.modules["requests.models"]
assert requests.sessions.Session is requests.Session
assert urllib3.connectionpool is sys.modules["urllib3.connectionpool"]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["urllib3.response", "requests.models", "replicate_sync.http.sessions"]
)
def test_an_interrupt_while_the_first_client_is_made_leaves_no_module_half_imported(
    module: str,
) -> None:
    program = _INTERRUPTED.replace("STOP", repr(module))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
