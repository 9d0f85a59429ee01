"""Faults: what goes wrong on purpose, how often, and with which requests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from ..routes.json_responses import PROBLEM, encode
from .request_log import fits

_API = "* /v1/*"
_STREAM = "GET /v1/streams/*"
_CREDIT = (
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase "
    "credit. Once you purchase credit, please wait a few minutes before trying again."
)
_REDUCED = (
    "Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you "
    "have less than $5.0 in credit. "
)


class Answer(NamedTuple):
    """What is said in place of the API's answer; nothing at all, and the connection is reset, for status 0."""

    status: int
    body: bytes = b""
    type: str = PROBLEM
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Trouble:
    """All that goes wrong with one request."""

    answer: Answer | None = None  # is given in place of the API's
    slow: float = 0.0  # seconds before anything happens
    lost: bool = False  # the API does what it is asked for, and the connection is reset before its answer
    removed: bool = False  # a prediction is shown as long ago
    cut: int | None = None  # the stream ends after so many events, in good order
    torn: int | None = None  # the stream ends after so many events, with a reset
    stall: tuple[int, float] | None = None  # after so many events, it is silent for so many seconds
    replay: bool = False  # the stream begins with its first event, whatever was asked for
    split: bool = False  # the stream comes byte by byte
    crlf: bool = False  # the stream's lines end with a carriage return as well


@dataclass
class _Fault:
    on: str
    left: int
    change: Mapping[str, Any]


class Faults:
    """What a server does wrong, until it has done it `times` times; without a fault it does nothing wrong.

    Each request takes, of each kind, the oldest fault that fits it. `on` says which requests fit: the method, a space
    and the path, where `*` is any text, as in `POST */predictions`. Those of streams fit every stream.
    """

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def rate_limit(
        self,
        times: int = 1,
        *,
        retry_after: int = 1,
        header: bool = True,
        words: Literal["available", "resets", "reduced"] = "reduced",
        on: str = _API,
    ) -> None:
        """Refuse with 429: with a Retry-After in seconds or without one, and in one of the three ways it has been said."""
        detail = {
            "available": f"Expected available in {retry_after} second{'' if retry_after == 1 else 's'}.",
            "resets": f"Your rate limit resets in ~{retry_after}s.",
            "reduced": f"{_REDUCED}Your rate limit resets in ~{retry_after}s.",
        }[words]
        body: dict[str, Any] = {"detail": f"Request was throttled. {detail}"}
        body |= {"status": 429, "retry_after": retry_after} if words == "reduced" else {}
        headers = (("Retry-After", str(retry_after)),) if header else ()
        self._add(on, times, answer=Answer(429, encode(body), headers=headers))

    def error(self, status: int = 500, times: int = 1, *, html: bool = False, on: str = _API) -> None:
        """Answer with an error, as JSON or as the HTML of what stands before the API."""
        phrase = HTTPStatus(status).phrase
        page = f"<html><head><title>{status} {phrase}</title></head><body><h1>{status} {phrase}</h1></body></html>\n"
        detail = phrase.capitalize()
        said = Answer(status, encode({"detail": detail, "status": status}))
        self._add(on, times, answer=Answer(status, page.encode(), "text/html") if html else said)

    def payment_required(self, times: int = 1, *, on: str = "POST /v1/*") -> None:
        """Refuse with 402, for want of credit."""
        body = {"title": "Insufficient credit", "detail": _CREDIT, "status": 402}
        self._add(on, times, answer=Answer(402, encode(body)))

    def reset(self, times: int = 1, *, on: str = _API) -> None:
        """Reset the connection before anything is done."""
        self._add(on, times, answer=Answer(0))

    def lose_answer(self, times: int = 1, *, on: str = "POST /v1/*") -> None:
        """Do what is asked for, and reset the connection before the answer."""
        self._add(on, times, lost=True)

    def slow_headers(self, seconds: float, times: int = 1, *, on: str = _API) -> None:
        """Let the answer wait."""
        self._add(on, times, slow=seconds)

    def data_removed(self, times: int = 1, *, on: str = "GET /v1/predictions/*") -> None:
        """Show a prediction as it is an hour after its end: without input, output and logs."""
        self._add(on, times, removed=True)

    def cut_stream(self, after: int = 0, times: int = 1, *, reset: bool = False) -> None:
        """End a stream after so many events, in good order or with a reset, and without a `done`."""
        self._add(_STREAM, times, **{"torn" if reset else "cut": after})

    def stall_stream(self, seconds: float, after: int = 0, times: int = 1) -> None:
        """Let a stream be silent for a while after so many events; then it goes on."""
        self._add(_STREAM, times, stall=(after, seconds))

    def replay_stream(self, times: int = 1) -> None:
        """Begin a stream with its first event, whatever `Last-Event-ID` asks for."""
        self._add(_STREAM, times, replay=True)

    def split_stream(self, times: int = 1) -> None:
        """Send a stream byte by byte, so that reads end within lines and characters."""
        self._add(_STREAM, times, split=True)

    def crlf_stream(self, times: int = 1) -> None:
        """End the lines of a stream with a carriage return as well."""
        self._add(_STREAM, times, crlf=True)

    def clear(self) -> None:
        """Take back every fault."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Trouble:
        """Give what goes wrong with a request, and count it."""
        found: dict[str, Any] = {}
        with self._lock:
            for fault in self._faults:
                if fits(fault.on, method, path) and not fault.change.keys() & found.keys():
                    found.update(fault.change)
                    fault.left -= 1
            self._faults[:] = [fault for fault in self._faults if fault.left > 0]
        return Trouble(**found)

    def __len__(self) -> int:
        """How many times something is still to go wrong."""
        with self._lock:
            return sum(fault.left for fault in self._faults)

    def _add(self, on: str, times: int, **change: Any) -> None:
        if times < 1:
            raise ValueError(f"A fault happens at least once, not {times} times.")
        with self._lock:
            self._faults.append(_Fault(on, times, change))
