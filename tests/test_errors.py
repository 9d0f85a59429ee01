"""Answers become errors that say what happened and what to do."""

from __future__ import annotations

import inspect
import json
import pickle
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

import replicate_sync
from replicate_sync import errors
from replicate_sync.answers import from_response, retry_after

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.ReplicateError)]


def answered(status: int, body: Any, model: str | None = None, **headers: str) -> errors.ResponseError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return from_response(status, names, content, doing="GET /x", model=model)


@pytest.mark.parametrize(
    ("status", "model", "kind"),
    [
        (401, None, errors.AuthenticationError),
        (403, None, errors.AuthenticationError),
        (402, None, errors.PaymentRequiredError),
        (404, "a/b", errors.ModelNotFoundError),
        (404, None, errors.ResponseError),
        (422, None, errors.InvalidInputError),
        (429, None, errors.RateLimitError),
        (500, None, errors.ServerError),
        (503, "a/b", errors.ServerError),
        (413, None, errors.ResponseError),
    ],
)
def test_each_status_has_its_class_and_its_detail(status: int, model: str | None, kind: type[errors.ResponseError]) -> None:
    error = answered(status, {"title": "T", "detail": "what the API said", "status": status}, model)
    assert type(error) is kind
    assert (error.status_code, error.title, error.detail) == (status, "T", "what the API said")
    assert "what the API said" in str(error)
    assert error.response is not None
    assert error.response.json()["title"] == "T"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.MissingAuthError, ValueError),
        (errors.ConnectionFailed, ConnectionError),
        (errors.ModelNotFoundError, LookupError),
        (errors.InvalidInputError, ValueError),
        (errors.PredictionTimeout, TimeoutError),
    ],
)
def test_who_knows_python_catches_the_builtin(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_public_documented_and_survives_a_pickle_with_its_attributes(
    kind: type[errors.ReplicateError],
) -> None:
    assert getattr(replicate_sync, kind.__name__) is kind
    assert kind.__doc__
    error = kind("what happened")
    error.extra = {"kept": 1}  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "what happened"
    assert again.extra == {"kept": 1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html><body>\n Sorry,   you have been blocked </body></html>", "<html><body> Sorry, you have been blocked"),
        (b"", "no explanation"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[1, 2]", "[1, 2]"),
        (b'{"detail": 5, "title": "Only a title"}', "Only a title"),
        (b'{"detail": ""}', '{"detail": ""}'),
    ],
)
def test_a_body_that_is_no_problem_document_is_quoted(body: bytes, says: str) -> None:
    assert says in str(answered(502, body))


def test_a_long_body_is_quoted_short() -> None:
    assert len(str(answered(500, b"x" * 10_000_000))) < 500


def test_the_fields_of_a_refused_input_are_kept() -> None:
    fields = [{"type": "required", "field": "input", "description": "prompt is required"}]
    error = answered(422, {"detail": "- input: prompt is required\n", "invalid_fields": [*fields, "odd"]})
    assert isinstance(error, errors.InvalidInputError)
    assert error.fields == fields


LOW = "Request was throttled. Your rate limit … is reduced to 6 requests per minute … Your rate limit resets in ~5s."


@pytest.mark.parametrize(
    ("headers", "problem", "seconds"),
    [
        ({"Retry-After": "7"}, {"retry_after": 5}, 7),
        ({"retry-after": "0.5"}, {}, 0.5),
        ({}, {"retry_after": 5, "detail": "resets in ~9s"}, 5),
        ({"ratelimit-reset": "1"}, {"detail": LOW}, 5),
        ({"ratelimit-reset": "1"}, {"detail": "Request was throttled. Expected available in 3 second."}, 3),
        ({"ratelimit-reset": "1"}, {"detail": "slow down"}, 1),
        ({"Retry-After": "soon"}, {"retry_after": "later"}, None),
        ({"Retry-After": "-5"}, {"retry_after": True}, None),
        ({"Retry-After": "inf"}, {}, None),
        ({"Retry-After": "nan"}, {"retry_after": 2}, 2),
        ({}, {}, None),
    ],
)
def test_the_time_to_wait_is_the_first_that_the_api_names(
    headers: dict[str, str], problem: Any, seconds: float | None
) -> None:
    assert retry_after(CaseInsensitiveDict(headers), problem) == seconds


def test_the_time_to_wait_may_be_a_date() -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert 28 < (retry_after(CaseInsensitiveDict({"Retry-After": date}), {}) or 0) <= 30
    assert retry_after(CaseInsensitiveDict({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), {}) == 0
