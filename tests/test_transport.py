"""What goes over the wire, what comes back, and which error it is when it does not."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from wire import CUT, END, TOKEN, Request, Wire, answer

from replicate_sync import (
    AuthenticationError,
    ConnectionFailed,
    InvalidInputError,
    ModelNotFoundError,
    Prediction,
    RateLimitError,
    Replicate,
    ReplicateError,
    ResponseError,
    Retries,
    ServerError,
)
from replicate_sync.faults import diagnosed

PREDICTION = {"id": "p1", "status": "succeeded", "output": "hi", "model": "a/b", "input": {}}
Start = Callable[[Callable[[Request], Any]], Wire]


def everything(error: BaseException | None) -> str:
    """All that a traceback could show of an error and its causes."""
    shown = ""
    while error is not None:
        shown += f"{error}{error!r}{getattr(error, '__dict__', '')}"
        request = getattr(error, "request", None)
        shown += str(getattr(request, "headers", ""))
        error = error.__cause__ or error.__context__
    return shown


@responses.activate
def test_a_request_names_its_sender_and_its_token() -> None:
    responses.get("https://api.replicate.com/v1/predictions/p1", json=PREDICTION)
    Replicate("r8_abc", headers={"X-Team": "blue"}).predictions.get("p1")
    sent = responses.calls[0].request.headers
    assert sent["Authorization"] == "Bearer r8_abc"
    assert sent["User-Agent"].startswith("replicate-sync/")
    assert sent["X-Team"] == "blue"


@responses.activate
def test_the_callers_headers_are_never_changed_and_no_key_stays_in_them() -> None:
    responses.get("https://api.replicate.com/v1/predictions/p1", json=PREDICTION)
    mine = {"X-Team": "blue"}
    for key in ("A", "B"):
        Replicate(key, headers=mine).predictions.get("p1")
        assert responses.calls[-1].request.headers["Authorization"] == f"Bearer {key}"
    assert mine == {"X-Team": "blue"}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_tried_again_after_a_passing_fault(wire: Start, client_of: Any, status: int) -> None:
    server = wire(lambda r: [answer({"detail": "later"}, status) if len(server.requests) < 3 else answer(PREDICTION)])
    assert client_of(server).predictions.get("p1").output == "hi"
    assert len(server.requests) == 3


def test_a_read_is_tried_again_after_a_cut_and_given_up_in_the_end(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [CUT] if len(server.requests) < 3 else [answer(PREDICTION)])
    assert client_of(server).predictions.get("p1").output == "hi"
    server = wire(lambda r: [CUT])
    with pytest.raises(ConnectionFailed, match="lost before the answer was whole") as raised:
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 5
    assert raised.value.maybe_sent


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_time_does_not_mend_is_not_tried_again(wire: Start, client_of: Any, status: int) -> None:
    server = wire(lambda r: [answer({"detail": "no"}, status)])
    with pytest.raises(ResponseError):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (answer(b"<html>welcome</html>", Content_Type="text/html"), "<html>welcome"),
        (answer(b'{"id": "p1", "sta'), "is not JSON"),
        (answer(b"\xff\xfe\x00"), "is not JSON"),
        (answer([1, 2]), "not a prediction"),
        (answer({"id": "p1"}), "not a prediction"),
        (answer({"id": 5, "status": "starting"}), "not a prediction"),
        (answer({"id": "p1", "status": None}), "not a prediction"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "not a prediction"),
        (answer(b"null"), "not a prediction"),
        (answer(b"[" * 100_000), "is not JSON"),
        (answer(b"", 302, Location="https://elsewhere.example/v1"), "redirect to elsewhere.example, not followed"),
    ],
)
def test_a_bad_answer_under_a_good_status_is_an_error_that_quotes_it(
    wire: Start, client_of: Any, bad: bytes, says: str
) -> None:
    server = wire(lambda r: [bad])
    with pytest.raises(ResponseError, match=says) as raised:
        client_of(server).predictions.get("p1")
    assert len(str(raised.value)) < 600


def test_a_body_that_comes_short_or_too_slowly_is_an_error_in_time(wire: Start, client_of: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    short = wire(lambda r: [head + b'{"id": "p1", "status": "succeeded"}', END])
    with pytest.raises(ConnectionFailed, match="lost before"):
        client_of(short, retries=Retries(attempts=1)).predictions.get("p1")
    slow = wire(lambda r: [head, *[piece for _ in range(80) for piece in (b" ", 0.05)]])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent|lost"):
        client_of(slow, retries=Retries(attempts=1), timeout=0.5).predictions.get("p1")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("piece", [b"X-Drip: 1\r\n", b"X"])
def test_a_head_that_drips_is_an_error_in_time(wire: Start, client_of: Any, piece: bytes) -> None:
    drip = [step for _ in range(200) for step in (piece, 0.05)]
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\n", *drip])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent for 0\.3 s"):
        client_of(server, retries=Retries(attempts=1), timeout=0.3).predictions.get("p1")
    assert time.monotonic() - began < 3


def test_a_head_that_comes_in_pieces_is_read_as_one(wire: Start, client_of: Any) -> None:
    whole = answer(PREDICTION)
    server = wire(lambda r: [step for i in range(len(whole)) for step in (whole[i : i + 1], 0.001)])
    assert client_of(server).predictions.get("p1").output == "hi"
    assert client_of(server).predictions.get("p1").output == "hi"


def test_a_decompression_bomb_is_refused(wire: Start, client_of: Any) -> None:
    bomb = gzip.compress(b" " * (257 * 2**20), 1)
    server = wire(lambda r: [answer(bomb, Content_Encoding="gzip")])
    with pytest.raises(ResponseError, match="not shorter than 256 MB"):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 1


def test_a_redirect_is_followed_at_home_and_the_token_goes_nowhere_else(wire: Start, client_of: Any) -> None:
    other = wire(lambda r: [answer(PREDICTION)])

    def at_home(request: Request) -> list[bytes]:
        if request.path == "/v1/predictions/old":
            return [answer(b"", 307, Location="/v1/predictions/new")]
        if request.path == "/v1/predictions/away":
            return [answer(b"", 307, Location=f"{other.url}/predictions/p1")]
        return [answer(PREDICTION)]

    server = wire(at_home)
    assert client_of(server).predictions.get("old").id == "p1"
    assert all(r.headers["authorization"] == f"Bearer {TOKEN}" for r in server.requests)
    with pytest.raises(ResponseError, match="redirect"):
        client_of(server).predictions.get("away")
    assert other.requests == []


def test_a_redirect_without_end_is_an_error(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(b"", 302, Location=r.path)])
    with pytest.raises(ResponseError, match="redirect"):
        client_of(server).predictions.get("p1")
    assert len(server.requests) == 5


def test_a_list_goes_on_to_its_next_page_only_at_home(wire: Start, client_of: Any) -> None:
    other = wire(lambda r: [answer({"results": []})])

    def pages(request: Request) -> list[bytes]:
        if not request.query:
            return [answer({"next": f"{server.url}/predictions?cursor=2", "results": [PREDICTION]})]
        return [answer({"next": f"{other.url}/predictions?cursor=3", "results": [{**PREDICTION, "id": "p2"}]})]

    server = wire(pages)
    listed = client_of(server).predictions.list()
    assert server.requests == []
    assert [next(listed).id, next(listed).id] == ["p1", "p2"]
    with pytest.raises(ResponseError, match="another host"):
        next(listed)
    assert other.requests == []


def test_a_server_that_repeats_the_token_does_not_get_it_into_an_error(wire: Start, client_of: Any) -> None:
    for status in (200, 401, 500):
        server = wire(lambda r, status=status: [answer(f"you sent {r.headers['authorization']}".encode(), status)])
        with pytest.raises(ResponseError) as raised:
            client_of(server, retries=Retries(attempts=1)).predictions.get("p1")
        assert TOKEN not in everything(raised.value)
        assert raised.value.response is not None
        assert TOKEN not in raised.value.response.text


def test_the_token_shows_in_no_error_no_repr_and_no_log(
    wire: Start, client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = wire(lambda r: [CUT])
    client = client_of(server, retries=Retries(attempts=1))
    with pytest.raises(ConnectionFailed) as raised:
        client.predictions.get("p1")
    assert TOKEN not in everything(raised.value)
    assert TOKEN not in repr(client) + repr(vars(client)) + repr(vars(client._transport))
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base_url": "http://127.0.0.1:9"}, "refused the connection"),
        ({"base_url": "http://nowhere.invalid"}, r"cannot be found .*Check the network"),
        ({"proxy": "http://user:hidden@127.0.0.1:9"}, "The proxy on the way to api.replicate.com cannot be used"),
        ({"proxy": "127.0.0.1:9"}, "proxy"),
        ({"base_url": "https://127.0.0.1:9"}, "refused the connection"),
    ],
)
def test_no_network_is_one_sentence_that_says_what_to_check(options: dict[str, str], says: str) -> None:
    client = Replicate(retries=Retries(attempts=1), **options)  # type: ignore[arg-type]
    with pytest.raises(ConnectionFailed, match=says) as raised:
        client.predictions.get("p1")
    assert not raised.value.maybe_sent
    assert "hidden" not in str(raised.value)
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize("proxy", ["not a url", "ftp://x:1", "http://", 5, "http://a:b"])
def test_what_is_no_proxy_is_refused_when_the_client_is_made(proxy: Any) -> None:
    with pytest.raises(InvalidInputError, match="proxy is not a URL"):
        Replicate(proxy=proxy)


def test_a_dead_proxy_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(ConnectionFailed, match="HTTPS_PROXY"):
        Replicate(retries=Retries(attempts=1)).predictions.get("p1")


def test_silence_is_an_error_after_the_timeout(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [10.0])
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match=r"silent for 0.3 s.*timeout="):
        client_of(server, timeout=0.3, retries=Retries(attempts=1)).predictions.get("p1")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("timeout", [0, -1, "5", None, True, float("nan"), float("inf"), 1e10])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    with pytest.raises(ReplicateError, match="timeout"):
        Replicate(timeout=timeout)


def test_the_wait_that_is_asked_for_is_shorter_than_the_silence_that_is_allowed(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(PREDICTION, 201)])
    for timeout, wait, header in [
        (180, 60, "wait"),
        (180, 90, "wait"),
        (180, 7, "wait=7"),
        (8, 60, "wait=6"),
        (0.9, 60, None),
    ]:
        client_of(server, timeout=timeout).run("a/b", wait=wait)
        assert server.requests[-1].headers.get("prefer") == header


def test_a_netrc_file_is_never_asked(wire: Start, client_of: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = wire(lambda r: [answer(PREDICTION)])
    client = client_of(server)
    client.predictions.get("p1")
    assert b"".join(client._transport.download(f"{server.origin}/file"))
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in server.requests[1].headers


def test_a_file_that_moved_is_followed_without_credentials_of_any_kind(
    wire: Start, client_of: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    other = wire(lambda r: [answer(b"file")])
    server = wire(lambda r: [answer(b"", 302, Location=f"{other.origin.replace('127.0.0.1', 'localhost')}/file")])
    assert b"".join(client_of(server)._transport.download(f"{server.origin}/file")) == b"file"
    assert all("authorization" not in r.headers for r in [*server.requests, *other.requests])


@pytest.mark.parametrize("url", ["http://[bad/x", "nonsense", "ftp://x/y", "http://"])
def test_an_address_that_is_none_is_an_error_of_ours(client_of: Any, wire: Start, url: str) -> None:
    with pytest.raises(ConnectionFailed):
        b"".join(client_of(wire(lambda r: []))._transport.download(url))


def test_a_fault_of_tls_behind_a_good_handshake_leaves_it_open_whether_anything_was_done() -> None:
    fault = requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"))
    error = diagnosed(fault, "https://api.example/x", "POST /x", 1, repeatable=False)
    assert error.maybe_sent
    untrusted = requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed"))
    error = diagnosed(untrusted, "https://api.example/x", "POST /x", 1, repeatable=False)
    assert not error.maybe_sent
    assert "api.example has no certificate that is trusted here" in str(error)


@pytest.mark.parametrize("headers", ["x", {"a": 1}, [("a", "b")]])
def test_headers_that_are_none_are_refused(headers: Any) -> None:
    with pytest.raises(InvalidInputError, match="headers"):
        Replicate(headers=headers)


@pytest.mark.parametrize("wrong", [{"polling": 5}, {"retries": 5}, {"session": "x"}])
def test_a_policy_or_session_that_is_none_is_refused_when_the_client_is_made(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        Replicate(**wrong)


def test_the_token_is_cut_out_of_what_the_api_says(wire: Start, client_of: Any) -> None:
    for body in ({"you": TOKEN}, {"id": "p1", "status": "failed", "error": TOKEN, "logs": TOKEN, "x": 1}):
        server = wire(lambda r, body=body: [answer(body, 201, Content_Type=f"x/{TOKEN}")])
        for call in (lambda c: c.run("a/b"), lambda c: next(c.predictions.list())):
            with pytest.raises(ReplicateError) as raised:
                call(client_of(server, retries=Retries(attempts=1)))
            assert TOKEN not in str(raised.value)
    server = wire(lambda r: [answer(b"no", 400, X_Echo=TOKEN)])
    with pytest.raises(ResponseError) as refused:
        client_of(server).run("a/b")
    assert TOKEN not in everything(refused.value) + str(dict(refused.value.response.headers))  # type: ignore[union-attr]


def test_a_repr_never_fails_and_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hidden" not in repr(Replicate(base_url="http://user:hidden@127.0.0.1"))
    monkeypatch.setenv("REPLICATE_BASE_URL", "nonsense")
    assert "none" in repr(Replicate())


def test_a_file_that_is_gone_says_how_long_files_live(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer({"detail": "gone"}, 404)])
    with pytest.raises(ResponseError, match="one hour"):
        b"".join(client_of(server)._transport.download(f"{server.origin}/file"))


def test_a_file_that_comes_short_is_an_error(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", END])
    with pytest.raises(ConnectionFailed):
        b"".join(client_of(server)._transport.download(f"{server.origin}/file"))


def test_one_client_serves_many_threads_each_with_a_connection_of_its_own(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer({**PREDICTION, "id": r.path.rpartition("/")[2]})])
    client = client_of(server)
    wrong: list[str] = []

    def work(n: int) -> None:
        for i in range(5):
            if client.predictions.get(f"p{n}x{i}").id != f"p{n}x{i}":
                wrong.append(f"p{n}x{i}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.requests) == 500
    assert server.connections == 100


def test_a_warm_client_uses_its_connection_again(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(PREDICTION, 201)])
    client = client_of(server)
    for _ in range(3):
        assert client.run("a/b", {"x": 1}) == "hi"
    assert (len(server.requests), server.connections) == (3, 1)


def test_a_closed_client_opens_again_when_it_is_used(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(PREDICTION)])
    with client_of(server) as client:
        client.predictions.get("p1")
    client.close()
    assert server.until(lambda: server.open == 0)
    assert client.predictions.get("p1").id == "p1"
    assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_fork_opens_connections_of_its_own(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(PREDICTION)])
    client = client_of(server)
    client.predictions.get("p1")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if client.predictions.get("p1").id == "p1" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.predictions.get("p1").id == "p1"
    assert server.connections == 2


def test_a_pickled_client_carries_a_given_key_and_no_other(wire: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = wire(lambda r: [answer(PREDICTION)])
    given = pickle.dumps(Replicate("r8_given", base_url=server.url))
    environment = pickle.dumps(Replicate(base_url=server.url))
    assert TOKEN.encode() not in environment
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_there")
    for data, token in [(given, "r8_given"), (environment, "r8_there")]:
        pickle.loads(data).predictions.get("p1")
        assert server.requests[-1].headers["authorization"] == f"Bearer {token}"


def test_a_pickled_prediction_lives_on(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer(PREDICTION)])
    prediction = client_of(server).predictions.get("p1")
    again: Prediction = pickle.loads(pickle.dumps(prediction))
    assert again.reload().output == "hi"


def test_a_missing_model_and_a_wrong_token_are_told_apart(wire: Start, client_of: Any) -> None:
    server = wire(lambda r: [answer({"detail": "The requested resource could not be found.", "status": 404}, 404)])
    with pytest.raises(ModelNotFoundError, match=r"no such model.*'a/bb' \(owner/name"):
        client_of(server).run("a/bb")
    server = wire(lambda r: [answer({"title": "Unauthenticated", "detail": "You did not pass…", "status": 401}, 401)])
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        client_of(server).run("a/b")
    server = wire(lambda r: [answer(b"<html>bad gateway</html>", 502)])
    with pytest.raises(ServerError, match="not your program's fault"):
        client_of(server).predictions.get("p1")


def test_too_many_requests_are_waited_for_as_long_as_the_api_says(wire: Start, client_of: Any) -> None:
    busy = {"detail": "Your rate limit resets in ~0.2s.", "status": 429}
    server = wire(lambda r: [answer(busy, 429) if len(server.requests) == 1 else answer(PREDICTION, 201)])
    began = time.monotonic()
    assert client_of(server).run("a/b") == "hi"
    assert time.monotonic() - began >= 0.2
    server = wire(lambda r: [answer({"detail": "x", "retry_after": 3600}, 429)])
    with pytest.raises(RateLimitError) as raised:
        client_of(server).run("a/b")
    assert (raised.value.retry_after, len(server.requests)) == (3600, 1)
    assert json.loads(server.requests[0].body) == {"input": {}}
