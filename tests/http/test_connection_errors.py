"""Without a response, one sentence says what failed and what to check, and whether to retry."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.client import BadStatusLine, HTTPException, IncompleteRead, InvalidURL, RemoteDisconnected
from typing import Any

import pytest
import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from wire import CUT, END, MakeClient, StartWire

from replicate_sync import ConnectionFailed, Replicate, ResponseError, Retries
from replicate_sync.exceptions import Interruption, Response
from replicate_sync.http.adapter import Progress
from replicate_sync.http.connection_errors import (
    connection_failed,
    failure,
    is_retryable,
    was_not_processed,
)

URL = "https://user:hidden@api.example/v1/x"


def failed(cause: Exception, url: str = URL, repeatable: bool = True) -> ConnectionFailed:
    """Return the error for a POST, with its cause chained as a raised one has it."""
    error = connection_failed(cause, url, "POST /x", 30, repeatable=repeatable)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base_url": "http://127.0.0.1:9"}, r"127.0.0.1:9 refused the connection \(during GET"),
        ({"base_url": "http://nowhere.invalid"}, r"cannot be found .*Check the network"),
        (
            {"proxy": "http://user:hidden@127.0.0.1:9"},
            "The proxy on the way to api.replicate.com cannot be used",
        ),
        ({"proxy": "127.0.0.1:9"}, "HTTPS_PROXY"),
        ({"base_url": "https://127.0.0.1:9"}, "refused the connection"),
    ],
)
def test_no_network_is_one_sentence_that_says_what_to_check(
    options: dict[str, Any], says: str
) -> None:
    client = Replicate(retries=Retries(attempts=1), **options)
    with pytest.raises(ConnectionFailed, match=says) as raised:
        client.predictions.get("p1")
    assert not raised.value.maybe_sent
    assert "hidden" not in str(raised.value)
    assert raised.value.__cause__ is not None


def test_a_dead_proxy_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(ConnectionFailed, match="HTTPS_PROXY"):
        Replicate(retries=Retries(attempts=1)).predictions.get("p1")


LOST = "The connection to api.example was lost before the response was complete"
SILENT = "api.example was silent for 30 s"
REFUSED = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cause", "what", "hint", "maybe_sent", "retryable"),
    [
        (
            requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")),
            "The TLS connection to api.example failed",
            "Check that base_url is https, and any proxy between.",
            True,
            True,
        ),
        (
            requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed")),
            "api.example has no certificate that is trusted here",
            "Check base_url, the clock, and REQUESTS_CA_BUNDLE.",
            False,
            False,
        ),
        (
            requests.exceptions.ConnectTimeout(),
            "api.example accepted no connection within 10 s",
            "Check the network connection.",
            False,
            True,
        ),
        (
            requests.exceptions.ConnectionError(REFUSED),
            "api.example refused the connection",
            "Check base_url, and that the server runs.",
            False,
            True,
        ),
        (
            requests.exceptions.ProxyError(REFUSED),
            "The proxy on the way to api.example cannot be used",
            "Check proxy=, HTTPS_PROXY and NO_PROXY.",
            False,
            True,
        ),
        # urllib3 says of any break on the way that the proxy cannot be connected to.
        (requests.exceptions.ProxyError(ConnectionResetError()), LOST, "Try again.", True, True),
        (requests.exceptions.ReadTimeout(), SILENT, "Try again, or allow more with timeout=.", True, True),
        (TimeoutError(), SILENT, "Try again, or allow more with timeout=.", True, True),
        (requests.exceptions.ConnectionError(), LOST, "Try again.", True, True),
        (ConnectionResetError(), LOST, "Try again.", True, True),
        *(
            (
                kind("x"),
                f"The request to api.example could not be made ({kind.__name__})",
                "Check base_url, proxy and headers.",
                False,
                False,
            )
            for kind in (requests.exceptions.MissingSchema, UnicodeError, InvalidURL)
        ),
        *(
            (
                kind("x"),
                f"The session raised {kind.__name__} for the request to api.example",
                "Check session=, its hooks and its adapters.",
                True,
                False,
            )
            for kind in (TypeError, AttributeError, KeyError, IndexError)
        ),
    ],
)  # fmt: skip
def test_each_cause_has_its_words_and_its_doubt(
    cause: Exception, what: str, hint: str, maybe_sent: bool, retryable: bool
) -> None:
    error = failed(cause)
    assert error.message == f"{what} (during POST /x)."
    assert error.hint == hint
    assert error.maybe_sent is maybe_sent
    assert is_retryable(error) == retryable
    assert was_not_processed(error) == (retryable and not maybe_sent)


NOT_HTTP = "api.example sent a response that is not HTTP"


@pytest.mark.parametrize("sent", ["some", "all"])
@pytest.mark.parametrize(
    ("cause", "what", "hint"),
    [
        (
            ssl.SSLError(1, "x"),
            "The TLS connection to api.example failed",
            "Check that base_url is https, and any proxy between.",
        ),
        (
            requests.exceptions.SSLError(),
            "The TLS connection to api.example failed",
            "Check that base_url is https, and any proxy between.",
        ),
        (
            ssl.SSLCertVerificationError(1, "x"),
            "The TLS connection to api.example failed",
            "Check that base_url is https, and any proxy between.",
        ),
        (requests.exceptions.ReadTimeout(), SILENT, "Try again, or allow more with timeout=."),
        (TimeoutError(), SILENT, "Try again, or allow more with timeout=."),
        (
            HTTPException("x"),
            f"{NOT_HTTP} (HTTPException)",
            "Check base_url, and any proxy between.",
        ),
        (BadStatusLine("x"), LOST, "Try again."),
        (ValueError("x"), f"{NOT_HTTP} (ValueError)", "Check base_url, and any proxy between."),
        (RemoteDisconnected("x"), LOST, "Try again."),
        (requests.exceptions.ProxyError(ConnectionResetError()), LOST, "Try again."),
        (ConnectionResetError(), LOST, "Try again."),
        (IncompleteRead(b""), LOST, "Try again."),
    ],
)
def test_what_was_sent_in_part_may_have_arrived_whatever_broke(
    cause: Exception, what: str, hint: str, sent: Progress
) -> None:
    error = connection_failed(cause, URL, "POST /x", 30, repeatable=True, sent=sent)
    assert error.message == f"{what} (during POST /x)."
    assert error.hint == hint
    assert error.maybe_sent is True


@pytest.mark.parametrize(
    ("cause", "what"),
    [
        (TimeoutError(), SILENT),
        (ConnectionResetError(), LOST),
        (ssl.SSLError(1, "x"), "The TLS connection to api.example failed"),
        (
            requests.exceptions.ProxyError(ConnectionResetError()),
            "The proxy on the way to api.example cannot be used",
        ),
    ],
)
def test_what_broke_before_a_byte_was_sent_cannot_have_arrived(cause: Exception, what: str) -> None:
    error = connection_failed(cause, URL, "POST /x", 30, repeatable=False, sent="nothing")
    assert error.message == f"{what} (during POST /x)."
    assert error.maybe_sent is False


def test_what_may_not_be_sent_again_has_no_hint_to_try_again() -> None:
    error = failed(ConnectionResetError(), repeatable=False)
    assert error.message == f"{LOST} (during POST /x)."
    assert error.hint == ""


def test_a_failure_behind_which_there_is_no_interrupt_is_an_error() -> None:
    cause = requests.exceptions.ProxyError(ConnectionResetError())
    error = failure(cause, None, URL, "GET /x", 30, repeatable=True)
    assert isinstance(error, ConnectionFailed)
    assert error.message == f"{LOST} (during GET /x)."
    assert error.hint == "Try again."
    assert error.maybe_sent is True


def raised_while(outer: BaseException | None, handled: BaseException) -> Exception:
    """Return an error of a response that is closed while something else passes."""
    closing = ConnectionResetError()
    closing.__context__ = handled
    handled.__context__ = outer
    return closing


def test_the_interrupt_behind_a_failure_is_raised_in_its_place() -> None:
    interrupt = KeyboardInterrupt()
    cause = raised_while(None, interrupt)
    found = failure(cause, None, URL, "POST /x", 30, repeatable=True)
    assert found is interrupt
    assert found.__cause__ is None
    assert found.__suppress_context__ is True
    assert Interruption.of(found) is not None


def test_the_interrupt_is_found_behind_the_errors_of_all_that_was_closed() -> None:
    interrupt = KeyboardInterrupt()
    cause: BaseException = interrupt
    for _ in range(3):
        closing = ConnectionResetError()
        closing.__context__ = cause
        cause = closing
    assert isinstance(cause, Exception)
    assert failure(cause, None, URL, "POST /x", 30, repeatable=True) is interrupt


def test_an_interrupt_that_was_handled_before_the_request_is_not_raised_again() -> None:
    before = KeyboardInterrupt()
    cause = raised_while(None, before)
    error = failure(cause, before, URL, "POST /x", 30, repeatable=False, sent="nothing")
    assert isinstance(error, ConnectionFailed)
    assert error.__cause__ is cause
    assert error.maybe_sent is False
    assert error.hint == "Try again."


def test_a_host_that_cannot_be_found_was_never_sent_to() -> None:
    pool = urllib3.HTTPConnectionPool("api.example")
    error = failed(urllib3.exceptions.NameResolutionError("api.example", pool, OSError()))  # type: ignore[arg-type]
    assert error.message == "api.example cannot be found (during POST /x)."
    assert error.hint == "Check the network connection and base_url."
    assert error.maybe_sent is False


def test_a_short_timeout_bounds_connecting_too() -> None:
    error = connection_failed(
        requests.exceptions.ConnectTimeout(), URL, "GET /x", 0.5, repeatable=True
    )
    assert error.message == "api.example accepted no connection within 0.5 s (during GET /x)."


def test_the_cause_is_found_however_deep_it_is_wrapped() -> None:
    pool = urllib3.HTTPConnectionPool("api.example")
    name_error = urllib3.exceptions.NameResolutionError("api.example", pool, OSError())  # type: ignore[arg-type]
    error = requests.exceptions.ConnectionError(
        urllib3.exceptions.MaxRetryError(pool, "/", name_error)
    )
    assert "cannot be found" in str(failed(error))


@pytest.mark.slow
@pytest.mark.parametrize("step", [CUT, END])
def test_behind_a_proxy_too_a_create_is_sent_once_after_a_break(
    wire: StartWire, client_of: MakeClient, step: Any
) -> None:
    # urllib3 says of this that the proxy cannot be connected to.
    proxy = wire(lambda r: [step])
    client = client_of(wire(lambda r: []), proxy=proxy.origin)
    with pytest.raises(ConnectionFailed, match="was lost") as raised:
        client.run("a/b")
    assert raised.value.maybe_created
    assert [r.method for r in proxy.requests if r.method == "POST"] == ["POST"]


def test_a_proxy_that_refuses_was_never_sent_to() -> None:
    refused = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
    refused.__cause__ = ConnectionRefusedError()
    proxy_error = urllib3.exceptions.ProxyError("Unable to connect to proxy", refused)
    error = failed(requests.exceptions.ProxyError(proxy_error))
    assert not error.maybe_sent
    assert error.message.startswith("The proxy on the way to api.example cannot be used")


def test_causes_in_a_circle_are_followed_only_so_far() -> None:
    one = ValueError()
    two = ValueError()
    one.__cause__ = two
    two.__cause__ = one
    assert "could not be made" in str(failed(one))


def test_a_cause_is_also_found_in_the_context_of_an_exception() -> None:
    outer = OSError()
    outer.__context__ = TimeoutError()
    assert failed(outer).message.startswith(SILENT)


def test_a_create_is_not_told_to_be_sent_again() -> None:
    assert failed(TimeoutError()).hint == "Try again, or allow more with timeout=."
    assert failed(TimeoutError(), repeatable=False).hint == ""
    not_sent = failed(requests.exceptions.ConnectTimeout(), repeatable=False)
    assert not_sent.hint == "Check the network connection."


@pytest.mark.parametrize("url", ["nonsense", "http://[bad/x"])
def test_what_has_no_host_is_quoted(url: str) -> None:
    assert url in str(failed(requests.exceptions.InvalidURL(), url))


def test_the_token_is_taken_out_of_the_request_that_the_cause_holds() -> None:
    headers = {"authorization": "Bearer r8", "Accept": "x"}
    request = requests.Request("GET", URL, headers=headers).prepare()
    for _ in range(2):  # the second time, there is none
        failed(requests.exceptions.ConnectionError(request=request))
        assert dict(request.headers) == {"Accept": "x"}


def test_the_token_is_taken_out_of_a_request_that_was_not_prepared_too() -> None:
    request = requests.Request("GET", URL, headers={"Authorization": "Bearer r8", "Accept": "x"})
    failed(requests.exceptions.ConnectionError(request=request))
    assert request.headers == {"Accept": "x"}


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """Return an exception with the frame that it was raised in."""
    try:
        raise error from cause
    except type(error):
        return error


def test_the_frames_of_requests_are_dropped_from_a_cause_and_from_all_that_is_behind_it() -> None:
    deepest = raised(ConnectionResetError())
    in_context = raised(OSError(), deepest)
    reason = raised(OSError())
    reason.__context__ = in_context
    pool = urllib3.HTTPConnectionPool("api.example")
    max_retries = raised(urllib3.exceptions.MaxRetryError(pool, "/", reason))
    cause = raised(requests.exceptions.ConnectionError(max_retries))
    failed(cause)
    for error in (cause, max_retries, reason, in_context, deepest):
        assert error.__traceback__ is None
        assert error.__suppress_context__ is True


def test_the_frames_of_what_the_callers_own_session_raised_are_kept() -> None:
    cause = raised(TypeError("of a hook"))
    failed(cause)
    assert cause.__traceback__ is not None


@pytest.mark.parametrize(
    ("status", "retryable", "had_no_effect"),
    [
        (429, True, True),
        (500, True, False),
        (502, True, False),
        (503, True, False),
        (504, True, False),
        (501, False, False),
        (404, False, False),
        (422, False, False),
    ],
)
def test_which_responses_are_retried(status: int, retryable: bool, had_no_effect: bool) -> None:
    error = ResponseError("no", Response(status, CaseInsensitiveDict(), b""))
    assert is_retryable(error) == retryable
    assert was_not_processed(error) == had_no_effect


def test_nothing_else_is_retried() -> None:
    judge: Callable[[BaseException], bool]
    for judge in (is_retryable, was_not_processed):
        assert not judge(KeyboardInterrupt())
        assert not judge(RuntimeError())
