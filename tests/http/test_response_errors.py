"""A response becomes the error that it is, which says what happened and what to do."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from replicate_sync.exceptions import (
    AuthenticationError,
    InputRejectedError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
    Response,
    ResponseError,
    ServerError,
    UnknownModelError,
)
from replicate_sync.http.response_errors import (
    error_for_response,
    error_from_status,
    is_cut_short,
    retry_after,
    unexpected_response,
)


def error_for(status: int, body: Any, model: str | None = None, **headers: str) -> ResponseError:
    """Return the error for a response to GET /x."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = CaseInsensitiveDict({key.replace("_", "-"): value for key, value in headers.items()})
    return error_from_status(status, names, content, purpose="GET /x", model=model)


NOT_YOUR_FAULT = "This is not your program's fault; see https://www.replicatestatus.com."


@pytest.mark.parametrize(
    ("status", "model", "kind", "hint"),
    [
        (
            401,
            None,
            AuthenticationError,
            "Check the token in REPLICATE_API_TOKEN or api_key=; new ones are made at "
            "https://replicate.com/account/api-tokens",
        ),
        (
            403,
            None,
            AuthenticationError,
            "The token is not allowed to do this, or something between you and the API blocks it.",
        ),
        (
            402,
            None,
            PaymentRequiredError,
            "Add credit at https://replicate.com/account/billing, wait a few minutes, then try "
            "again.",
        ),
        (
            404,
            "a/b",
            UnknownModelError,
            "There is no such model, or your token may not use it: check the spelling of 'a/b' "
            "(owner/name, see https://replicate.com/explore).",
        ),
        (
            404,
            None,
            NotFoundError,
            "Check the id or name, and that the token is one of the account that it belongs to.",
        ),
        (
            422,
            None,
            InputRejectedError,
            "Nothing was created; correct the input and call again.",
        ),
        (
            429,
            None,
            RateLimitError,
            "Nothing was created; wait and call again, or send fewer requests at a time.",
        ),
        (500, None, ServerError, NOT_YOUR_FAULT),
        (503, "a/b", ServerError, NOT_YOUR_FAULT),
        (413, None, ResponseError, ""),
    ],
)
def test_each_status_has_its_class_its_detail_and_its_hint(
    status: int, model: str | None, kind: type[ResponseError], hint: str
) -> None:
    error = error_for(
        status, {"title": "T", "detail": "what the API said.", "status": status}, model
    )
    assert type(error) is kind
    assert error.message == f"The API responded {status} to GET /x: what the API said."
    assert (error.status_code, error.title, error.detail) == (status, "T", "what the API said.")
    assert error.hint == hint
    assert error.response.json()["title"] == "T"


@pytest.mark.parametrize(
    ("body", "quotation"),
    [
        (b"<html><body>\n Sorry,   you are blocked </body></html>", "<html><body> Sorry, you are blocked"),
        (b"", "no explanation"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1, 2]", "[1, 2]"),
        (b'{"detail": 5, "title": "Only a title"}', "Only a title"),
        (b'{"detail": ""}', '{"detail": ""}'),
        (b'{"detail": "There is no X."}', "There is no X."),
        (b"[" * 100_000, "[[["),
    ],
)  # fmt: skip
def test_a_body_that_is_no_problem_document_is_quoted(body: bytes, quotation: str) -> None:
    assert f"to GET /x: {quotation}" in str(error_for(502, body))


def test_a_long_body_is_quoted_short() -> None:
    assert len(str(error_for(500, b"x" * 10_000_000))) < 500


def test_the_fields_of_a_refused_input_are_kept() -> None:
    fields = [{"type": "required", "field": "input", "description": "prompt is required"}]
    error = error_for(422, {"detail": "- input: no prompt\n", "invalid_fields": [*fields, "odd"]})
    assert isinstance(error, InputRejectedError)
    assert error.fields == fields
    for body in ({"detail": "no"}, {"invalid_fields": "odd"}):
        error = error_for(422, body)
        assert isinstance(error, InputRejectedError)
        assert error.fields == []


@pytest.mark.parametrize("status", [200, 204])
def test_a_good_status_with_another_body_says_what_it_is_not(status: int) -> None:
    headers = {"Content-Type": "text/html"}
    error = unexpected_response(
        status, headers, b"<html>", purpose="GET /x", expected="a prediction"
    )
    assert type(error) is ResponseError
    assert error.message == (
        f"The response to GET /x is not a prediction (status {status}, text/html): <html>."
    )
    assert error.hint == "Check base_url, and any proxy between."
    assert error.response == Response(status, headers, b"<html>")


def test_an_empty_body_without_a_type_is_described() -> None:
    error = error_for_response(200, {}, b"", purpose="GET /x")
    assert "is not JSON (status 200, no content type): an empty body." in str(error)


@pytest.mark.parametrize(
    ("location", "where"),
    [("https://elsewhere.example/v1", " to elsewhere.example"), ("/here", ""), (None, "")],
)
def test_a_redirect_that_is_not_followed_names_its_host(location: str | None, where: str) -> None:
    headers = {} if location is None else {"Location": location}
    error = error_for_response(302, headers, b"", purpose="GET /x")
    assert error.message.startswith(
        f"The response to GET /x is not a value but a redirect{where}, which is not followed"
    )


@pytest.mark.parametrize(
    ("status", "beginning"),
    [
        (299, "The response to GET /x is not JSON"),
        (300, "The response to GET /x is not a value but a redirect, "),
        (399, "The response to GET /x is not a value but a redirect, "),
        (400, "The API responded 400 to GET /x: "),
        (404, "The API responded 404 to GET /x: "),
    ],
)
def test_the_status_says_whether_it_is_an_error(status: int, beginning: str) -> None:
    error = error_for_response(status, {"A": "b"}, b"...", purpose="GET /x", model="a/b")
    assert error.message.startswith(beginning)
    assert error.response == Response(status, {"A": "b"}, b"...")
    assert isinstance(error, UnknownModelError) == (status == 404)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", True),
        (200, b" \n", True),
        (200, b'{"id": "p1", "sta', True),
        (200, b'\r\n [{"id": "p1"}, ', True),
        (299, b"{", True),
        (300, b"{", False),
        (199, b"{", False),
        (200, b' {"id": "p1"}', False),
        (200, b"[]", False),
        (200, b"<html>", False),
        (200, b'"half', False),
        pytest.param(
            200,
            b"[" * 100_000,
            False,
            marks=pytest.mark.skipif(sys.platform == "emscripten", reason="a large stack"),
        ),
    ],
)
def test_a_response_is_cut_short_where_json_has_begun_and_not_ended(
    status: int, body: bytes, expected: bool
) -> None:
    assert is_cut_short(Response(status, {}, body)) is expected


LOW_CREDIT = (
    "Request was throttled. Your rate limit … is reduced to 6 requests per minute … "
    "Your rate limit resets in ~5s."
)


@pytest.mark.parametrize(
    ("headers", "problem", "seconds"),
    [
        ({"Retry-After": "7"}, {"retry_after": 5}, 7),
        ({"retry-after": "0.5"}, {}, 0.5),
        ({}, {"retry_after": 5, "detail": "resets in ~9s"}, 5),
        ({"ratelimit-reset": "1"}, {"detail": LOW_CREDIT}, 5),
        ({"ratelimit-reset": "1"}, {"detail": "Expected available in 3 second."}, 3),
        ({"ratelimit-reset": "1"}, {"detail": "slow down"}, 1),
        ({"ratelimit-reset": "1"}, {"detail": "available in 1.5 s, or resets in 9 s"}, 1.5),
        ({"Retry-After": "soon"}, {"retry_after": "later"}, None),
        ({"Retry-After": "-5"}, {"retry_after": True}, None),
        ({"Retry-After": "inf"}, {}, None),
        ({"Retry-After": "nan"}, {"retry_after": 2}, 2),
        ({"Retry-After": "Wed, 99 Oct 2015 07:28:00 GMT"}, {}, None),
        ({"Retry-After": "0"}, {}, 0),
        ({"Retry-After": "1000000000"}, {}, 1e9),
        ({"Retry-After": "1000000001"}, {}, None),
        ({}, {}, None),
    ],
)
def test_the_pause_is_the_first_that_the_api_names(
    headers: dict[str, str], problem: Any, seconds: float | None
) -> None:
    assert retry_after(CaseInsensitiveDict(headers), problem) == seconds


def test_the_pause_may_be_a_date() -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert 28 < (retry_after({"Retry-After": date}, {}) or 0) <= 30
    assert retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}) == 0


@pytest.mark.parametrize("now", ["Wed, 21 Oct 2015 07:27:58 GMT", "Wed Oct 21 07:27:58 2015"])
def test_a_pause_until_a_date_is_counted_by_the_clock_of_the_api(now: str) -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT", "Date": now}
    assert retry_after(headers, {}) == 2


def test_a_rate_limit_error_has_the_pause() -> None:
    error = error_for(429, {"detail": "slow down", "retry_after": 3})
    assert isinstance(error, RateLimitError)
    assert error.retry_after == 3
