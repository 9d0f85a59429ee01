"""Faults: what goes wrong on purpose, how often, and with which requests."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..json_types import JSONObject
from ..routes.json_responses import PROBLEM, serialize_json
from ..routes.plain_response import phrase_of
from .request_log import matches

_ANY = "* /v1/*"
_STREAM = "GET /v1/streams/*"
_CREDIT = (
    "You have insufficient credit to run this model. "
    "Go to https://replicate.com/account/billing#billing to purchase credit. "
    "Once you purchase credit, please wait a few minutes before trying again."
)
_REDUCED = (
    "Your rate limit for creating predictions is reduced to 6 requests per minute "
    "with a burst of 1 requests while you have less than $5.0 in credit. "
)


class FaultyResponse(NamedTuple):
    """A response in place of the API's.

    Attributes:
        status: The status code; 0 resets the connection without any response.
        body: The body.
        type: The media type of the body.
        headers: Further headers.
    """

    status: int
    body: bytes = b""
    type: str = PROBLEM
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RequestFaults:
    """All that goes wrong with one request.

    Attributes:
        response: Is sent in place of the API's response.
        delay: Seconds before anything happens.
        lost: The request takes effect, and the connection is reset before its response.
        data_removed: A prediction is shown without its data, as long after its end.
        cut: The stream ends after this many events, in good order.
        reset: The stream ends after this many events, with a reset.
        stall: After this many events the stream is silent for this many seconds.
        replay: The stream begins with its first event, whatever `Last-Event-ID` is.
        split: The stream is sent byte by byte.
        crlf: The stream's lines end with a carriage return as well.
    """

    response: FaultyResponse | None = None
    delay: float = 0.0
    lost: bool = False
    data_removed: bool = False
    cut: int | None = None
    reset: int | None = None
    stall: tuple[int, float] | None = None
    replay: bool = False
    split: bool = False
    crlf: bool = False


NO_FAULTS = RequestFaults()
"""Nothing goes wrong."""


class PendingFault(NamedTuple):
    """A fault that is still to happen.

    Attributes:
        what: What goes wrong, in a few words.
        on: With which requests.
        remaining: How often.
    """

    what: str
    on: str
    remaining: int


@dataclass
class _Fault:
    what: str
    pattern: str
    remaining: int
    changes: Mapping[str, Any]


class Faults:
    """What goes wrong with further requests; each fault happens `times` times.

    Of each kind of fault a request takes the oldest that matches it. `on` says which requests
    match: method, space and path, where `*` is any text, such as `POST */predictions`. Those of
    streams match every stream.

    Examples:
        >>> client.server.faults.rate_limit(times=1, retry_after=0)
        >>> client.run("replicate/hello-world", {"text": "Alice"})  # it is retried
        'hello Alice'
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
        on: str = _ANY,
    ) -> None:
        """Refuse with 429.

        Args:
            times: How often.
            retry_after: The seconds that the response says to wait.
            header: Whether it has the header `Retry-After`.
            words: In which of the three ways that Replicate has used the body says so.
            on: Which requests.

        Examples:
            >>> client.server.faults.rate_limit(retry_after=0)
            >>> client.account.get().username
            'local'
        """
        plural = "" if retry_after == 1 else "s"
        detail = {
            "available": f"Expected available in {retry_after} second{plural}.",
            "resets": f"Your rate limit resets in ~{retry_after}s.",
            "reduced": f"{_REDUCED}Your rate limit resets in ~{retry_after}s.",
        }[words]
        body: JSONObject = {"detail": f"Request was throttled. {detail}"}
        if words == "reduced":
            body |= {"status": 429, "retry_after": retry_after}
        headers: tuple[tuple[str, str], ...] = ()
        if header:
            headers = (("Retry-After", str(retry_after)),)
        response = FaultyResponse(429, serialize_json(body), headers=headers)
        self._add("429", on, times, response=response)

    def error(
        self, status: int = 500, times: int = 1, *, html: bool = False, on: str = _ANY
    ) -> None:
        """Respond with an error.

        Args:
            status: The status code, from 400 to 599.
            times: How often.
            html: Whether the body is HTML, as from a proxy in front of the API, instead of JSON.
            on: Which requests.

        Raises:
            ValueError: The status code is that of no error.

        Examples:
            >>> client.server.faults.error(404, on="GET /v1/account")
            >>> client.account.get()
            Traceback (most recent call last):
            replicate_sync.exceptions.NotFoundError: The API responded 404 ...
        """
        if not 400 <= status <= 599:
            raise ValueError(f"The status code of an error is 400 to 599, not {status}.")
        phrase = phrase_of(status)
        body = {"detail": phrase.capitalize(), "status": status}
        response = FaultyResponse(status, serialize_json(body))
        if html:
            title = f"{status} {phrase}"
            page = f"<head><title>{title}</title></head><body><h1>{title}</h1></body>"
            response = FaultyResponse(status, f"<html>{page}</html>\n".encode(), "text/html")
        self._add(str(status), on, times, response=response)

    def payment_required(self, times: int = 1, *, on: str = "POST /v1/*") -> None:
        """Refuse with 402, for lack of credit.

        Args:
            times: How often.
            on: Which requests: method, space and path, where `*` is any text.

        Examples:
            >>> client.server.faults.payment_required()
            >>> client.run("replicate/hello-world", {"text": "Alice"})
            Traceback (most recent call last):
            replicate_sync.exceptions.PaymentRequiredError: The API responded 402 ...
        """
        body = {"title": "Insufficient credit", "detail": _CREDIT, "status": 402}
        self._add("402", on, times, response=FaultyResponse(402, serialize_json(body)))

    def reset(self, times: int = 1, *, on: str = _ANY) -> None:
        """Reset the connection before the request takes effect.

        Args:
            times: How often.
            on: Which requests: method, space and path, where `*` is any text.

        Examples:
            >>> client.server.faults.reset(on="GET /v1/account")
            >>> client.account.get().username
            'local'
        """
        self._add("reset", on, times, response=FaultyResponse(0))

    def lose_response(self, times: int = 1, *, on: str = "POST /v1/*") -> None:
        """Let the request take effect, and reset the connection before the response.

        Args:
            times: How often.
            on: Which requests: method, space and path, where `*` is any text.

        Examples:
            >>> client.server.faults.lose_response()
            >>> client.run("replicate/hello-world", {"text": "Zoe"})  # it is found, and adopted
            'hello Zoe'
        """
        self._add("lost response", on, times, lost=True)

    def slow_headers(self, seconds: float, times: int = 1, *, on: str = _ANY) -> None:
        """Delay the response.

        Args:
            seconds: How much later it is sent.
            times: How often.
            on: Which requests: method, space and path, where `*` is any text.

        Examples:
            >>> client.server.faults.slow_headers(0.1, on="GET /v1/account")
            >>> client.account.get().username
            'local'
        """
        self._add(f"{seconds:g} s slower", on, times, delay=seconds)

    def data_removed(self, times: int = 1, *, on: str = "GET /v1/predictions/*") -> None:
        """Show a prediction as it is an hour after its end: without input, output and logs.

        Args:
            times: How often.
            on: Which requests: method, space and path, where `*` is any text.

        Examples:
            >>> hello = "replicate/hello-world"
            >>> prediction = client.predictions.create(hello, {"text": "Alice"}).wait()
            >>> client.server.faults.data_removed()
            >>> client.predictions.get(prediction.id).data_removed
            True
        """
        self._add("data removed", on, times, data_removed=True)

    def cut_stream(self, after: int = 0, times: int = 1, *, reset: bool = False) -> None:
        """End a stream without a `done`.

        Args:
            after: After how many events.
            times: How often.
            reset: Whether the connection is reset, instead of closed in good order.

        Examples:
            >>> client.server.script("me/counter", tokens=["one ", "two ", "three"])
            >>> client.server.faults.cut_stream(after=2)
            >>> "".join(client.stream("me/counter", {}))
            'one two three'
        """
        if reset:
            self._add(f"reset after {after} events", _STREAM, times, reset=after)
        else:
            self._add(f"cut after {after} events", _STREAM, times, cut=after)

    def stall_stream(self, seconds: float, after: int = 0, times: int = 1) -> None:
        """Let a stream be silent for these seconds after so many events; then it continues.

        Args:
            seconds: How long it is silent.
            after: After how many events.
            times: How often.

        Examples:
            >>> client.server.script("me/counter", tokens=["one ", "two ", "three"])
            >>> client.server.faults.stall_stream(0.1, after=2)
            >>> "".join(client.stream("me/counter", {}))
            'one two three'
        """
        what = f"{seconds:g} s of silence after {after} events"
        self._add(what, _STREAM, times, stall=(after, seconds))

    def replay_stream(self, times: int = 1) -> None:
        """Begin a stream with its first event, whatever `Last-Event-ID` is.

        Args:
            times: How often.

        Examples:
            >>> client.server.script("me/counter", tokens=["one ", "two ", "three"])
            >>> client.server.faults.cut_stream(after=2)
            >>> client.server.faults.replay_stream()
            >>> "".join(client.stream("me/counter", {}))
            'one two three'
        """
        self._add("replay", _STREAM, times, replay=True)

    def split_stream(self, times: int = 1) -> None:
        """Send a stream byte by byte, so that reads end within lines and characters.

        Args:
            times: How often.

        Examples:
            >>> client.server.script("me/counter", tokens=["one ", "two ", "three"])
            >>> client.server.faults.split_stream()
            >>> "".join(client.stream("me/counter", {}))
            'one two three'
        """
        self._add("byte by byte", _STREAM, times, split=True)

    def crlf_stream(self, times: int = 1) -> None:
        """End the lines of a stream with a carriage return as well.

        Args:
            times: How often.

        Examples:
            >>> client.server.script("me/counter", tokens=["one ", "two ", "three"])
            >>> client.server.faults.crlf_stream()
            >>> "".join(client.stream("me/counter", {}))
            'one two three'
        """
        self._add("CR LF", _STREAM, times, crlf=True)

    def clear(self) -> None:
        """Remove every fault.

        Examples:
            >>> client.server.faults.reset(times=9)
            >>> client.server.faults.clear()
            >>> client.account.get().username
            'local'
        """
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> RequestFaults:
        """Return what goes wrong with a request, and count it."""
        if not self._faults:
            return NO_FAULTS
        taken: dict[str, Any] = {}
        with self._lock:
            for fault in self._faults:
                fits = matches(fault.pattern, method, path)
                if fits and not fault.changes.keys() & taken.keys():
                    taken.update(fault.changes)
                    fault.remaining -= 1
            self._faults[:] = [fault for fault in self._faults if fault.remaining > 0]
        return RequestFaults(**taken)

    def pending(self) -> list[PendingFault]:
        """Return what is still to go wrong, the oldest first.

        Examples:
            >>> client.server.faults.reset(times=2)
            >>> [(fault.what, fault.remaining) for fault in client.server.faults.pending()]
            [('reset', 2)]
        """
        with self._lock:
            return [
                PendingFault(fault.what, fault.pattern, fault.remaining) for fault in self._faults
            ]

    def __len__(self) -> int:
        """Return how many times something is still to go wrong."""
        with self._lock:
            return sum(fault.remaining for fault in self._faults)

    def _add(self, what: str, pattern: str, times: int, **changes: object) -> None:
        if times < 1:
            raise ValueError(f"A fault happens at least once, not {times} times.")
        with self._lock:
            self._faults.append(_Fault(what, pattern, times, changes))
