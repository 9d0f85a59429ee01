"""The token is in no local variable that an error reporter, or `pytest -l`, would show."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from wire import END, StartWire, Wire, response

from replicate_sync import Replicate, ReplicateHome, Retries, official
from replicate_sync.exceptions import (
    AuthenticationError,
    ConnectionFailed,
    InvalidInputError,
    MissingAuthError,
    ResponseError,
)
from replicate_sync.http.config import Token

SECRET = "r8_" + "kept" * 30
TWICE = Retries(attempts=2, first=0)
NOBODY = "http://127.0.0.1:9/v1"


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and all that it refers to."""
    found = [error]
    for one in found:
        others = [one.__cause__, one.__context__, *one.args, *vars(one).values()]
        found += [e for e in others if isinstance(e, BaseException) and e not in found]
    yield from found


def shown_locals(traced: TracebackType | None) -> Iterator[str]:
    """Yield what an error reporter shows of the local variables below this file's own frames."""
    while traced is not None:
        if traced.tb_frame.f_code.co_filename != __file__:
            for value in traced.tb_frame.f_locals.values():
                yield repr(value)
                if isinstance(value, requests.PreparedRequest | requests.Request):
                    yield f"{value.headers!r} {dict(value.headers or {})!r}"
                if isinstance(value, str) and type(value) is not str:
                    yield repr(value[:60])
        traced = traced.tb_next


def leaks(error: BaseException) -> list[str]:
    """Return what shows the beginning of the token."""
    return [
        text
        for one in linked(error)
        for text in (repr(one), str(one), *shown_locals(one.__traceback__))
        if SECRET[:20] in text
    ]


def refused(server: Wire) -> None:
    Replicate(SECRET, base_url=NOBODY, retries=TWICE).run("owner/name", {"prompt": "hi"})


def wrong_token(server: Wire) -> None:
    server.respond = lambda _: [response({"detail": f"{SECRET} is wrong"}, 401)]
    Replicate(SECRET, base_url=server.url).predictions.get("p1")


def cut(server: Wire) -> None:
    server.respond = lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", END]
    Replicate(SECRET, base_url=server.url, retries=TWICE).predictions.get("p1")


def not_json(server: Wire) -> None:
    server.respond = lambda _: [response(b"<p>" + SECRET.encode())]
    Replicate(SECRET, base_url=server.url, retries=TWICE).predictions.get("p1")


def unsendable(server: Wire) -> None:
    Replicate(f"{SECRET} ").predictions.get("p1")


def as_bytes(server: Wire) -> None:
    Replicate(SECRET.encode())  # type: ignore[arg-type]


def as_bytes_in_a_copy(server: Wire) -> None:
    Replicate("r8_other").with_options(api_key=bytearray(SECRET, "ascii"))


def as_bytes_by_one_call(server: Wire) -> None:
    Replicate.create_completion("llama-3-70b", "hi", api_key=[SECRET])  # type: ignore[arg-type]


def as_bytes_by_the_official_names(server: Wire) -> None:
    official.Client(SECRET.encode()).models.get("a/b")  # type: ignore[arg-type]


def beside_an_option_of_httpx(server: Wire) -> None:
    official.Client(SECRET, headers={"Authorization": SECRET}, transport=None)


def wrong_url(server: Wire) -> None:
    Replicate(SECRET, base_url="nonsense")


def wrong_url_of_a_copy(server: Wire) -> None:
    Replicate("r8_other").with_options(api_key=SECRET, base_url="nonsense")


def by_one_call(server: Wire) -> None:
    ReplicateHome.create_completion(
        "gemma-2b", "hi", api_key=SECRET, base_url=NOBODY, retries=TWICE
    )


def by_one_wrong_call(server: Wire) -> None:
    Replicate.create_completion("llama-3-70b", [], SECRET, base_url=NOBODY)


def by_the_official_names(server: Wire) -> None:
    official.Client(SECRET, base_url="nonsense").run("a/b", input={})


def in_a_hook(server: Wire) -> None:
    class Adapter(HTTPAdapter):
        def cert_verify(self, *arguments: Any) -> None:
            raise LookupError

    session = requests.Session()
    session.mount("http://", Adapter())
    Replicate(SECRET, base_url=NOBODY, retries=TWICE, session=session).predictions.get("p1")


def interrupted(server: Wire) -> None:
    class Adapter(HTTPAdapter):
        def build_response(self, *arguments: Any) -> Any:
            raise KeyboardInterrupt

    session = requests.Session()
    session.mount("http://", Adapter())
    Replicate(SECRET, base_url=server.url, session=session).predictions.get("p1")


@pytest.fixture
def server(wire: StartWire) -> Wire:
    return wire(lambda _: [response({})])


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (refused, ConnectionFailed),
        (wrong_token, AuthenticationError),
        (cut, ConnectionFailed),
        (not_json, ResponseError),
        (unsendable, MissingAuthError),
        (wrong_url, InvalidInputError),
        (wrong_url_of_a_copy, InvalidInputError),
        (by_one_call, ConnectionFailed),
        (by_one_wrong_call, InvalidInputError),
        (by_the_official_names, InvalidInputError),
        (as_bytes, InvalidInputError),
        (as_bytes_in_a_copy, InvalidInputError),
        (as_bytes_by_one_call, InvalidInputError),
        (as_bytes_by_the_official_names, InvalidInputError),
        (beside_an_option_of_httpx, TypeError),
        (in_a_hook, ConnectionFailed),
        (interrupted, KeyboardInterrupt),
    ],
)
def test_no_local_variable_of_an_error_shows_the_token(
    call: Callable[[Wire], None], kind: type[BaseException], server: Wire
) -> None:
    with pytest.raises(kind) as raised:
        call(server)
    assert leaks(raised.value) == []


@pytest.mark.parametrize("call", [refused, cut, wrong_token])
def test_a_traceback_shows_the_callers_lines_and_few_others(
    call: Callable[[Wire], None], server: Wire
) -> None:
    with pytest.raises((ConnectionFailed, ResponseError)) as raised:
        call(server)
    shown = "".join(traceback.format_exception(raised.value))
    assert shown.count('  File "') <= 10
    assert "urllib3/" not in shown
    assert "tenacity/" not in shown
    assert "During handling" not in shown


def test_no_client_of_the_official_names_shows_the_token() -> None:
    assert SECRET[:20] not in repr(vars(official.Client(SECRET)))


def test_a_hooks_own_lines_stay_in_the_traceback(server: Wire) -> None:
    with pytest.raises(ConnectionFailed) as raised:
        in_a_hook(server)
    assert "raise LookupError" in "".join(traceback.format_exception(raised.value))


def test_a_token_is_a_text_that_no_repr_shows() -> None:
    token = Token(SECRET)
    assert token == SECRET
    assert f"Bearer {token}" == f"Bearer {SECRET}"
    assert SECRET[:20] not in repr([token, token[:60], {"Authorization": token}])
    assert type(pickle.loads(pickle.dumps(token))) is str
