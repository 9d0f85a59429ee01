"""Requests to the API: each returns a value or raises the error that its response is.

The token is set by an auth object that is bound to the API's own origin, and by nothing else: not
on the session, where a redirect, a file host or a stream host would get it too.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any, TypeVar

import requests
from requests.structures import CaseInsensitiveDict

from ..deadline import NO_DEADLINE, Deadline
from ..event_hook import EventHook
from ..exceptions import (
    Interruption,
    InvalidInputError,
    RateLimitError,
    ReplicateError,
    UnexpectedDataError,
)
from ..polling import Retries
from . import connection_errors, response_errors
from .adapter import Delivery
from .addresses import FileHosts
from .clock import ServerClock
from .config import ApiConfig, without_credentials
from .download import Downloader
from .json import LONG_TEXT, LongObject, serialize_json
from .prepared import BearerAuth, Body
from .request import Content, Request, redirect_target, validate_headers
from .sessions import MAX_REDIRECTS, USER_AGENT, BodyTooLong, Sessions, read_body

_MAX_BODY = 256 * 2**20  # bytes of a decoded body
_MAX_SHARED_PAUSE = 60.0  # seconds that one response may keep all threads of a client waiting
_LAST_TIMEOUT = 0.1  # seconds that a last poll gets when the deadline has passed
_MAX_HOLD = 60  # seconds that the API can hold a response back

_Result = TypeVar("_Result")
_log = logging.getLogger("replicate_sync")
_log.addHandler(logging.NullHandler())  # else Python prints what nobody has asked for


class Transport:
    """Sends requests to one HTTP API, with its token, and retries them where that is safe.

    Args:
        config: Where the API is, and its token.
        retries: How failed requests are retried.
        proxy: The URL of a proxy; "" for none at all, None for the environment's.
        timeout: The longest silence on a request, in seconds.
        headers: Further headers of each request to the API.
        session: A session to use in every thread, instead of one for each.
        file_hosts: The hosts that files may be downloaded from although they are not public.
        events: Where retries are reported.

    Raises:
        InvalidInputError: An argument is wrong.
    """

    def __init__(
        self,
        config: ApiConfig,
        *,
        retries: Retries,
        proxy: str | None = None,
        timeout: float = 180,
        headers: Mapping[str, str] | None = None,
        session: requests.Session | None = None,
        file_hosts: Iterable[str] = (),
        events: EventHook | None = None,
    ) -> None:
        if not callable(getattr(retries, "call", None)):
            raise InvalidInputError(f"retries must be a Retries value, not {retries!r}.")
        validate_headers(headers)
        self._sessions = Sessions(proxy=proxy, timeout=timeout, session=session)
        #: The longest silence on a request, in seconds.
        self.timeout: float = self._sessions.timeout
        #: Fetches files and event streams, without the token.
        self.downloader: Downloader = Downloader(self._sessions, FileHosts(config, file_hosts))
        #: Where retries are reported, and what happens to predictions.
        self.events: EventHook = events or EventHook()
        self._config = config
        self._retries = retries
        self._headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
        self._auth = BearerAuth("", "", None)
        #: The base URL of the latest request, "" before the first one.
        self.current_url: str = ""
        #: What its responses say of the API's clock.
        self.clock: ServerClock = ServerClock()
        self._paused_until = 0.0

    @property
    def base_url(self) -> str:
        """The base URL of the API, as of now."""
        return self._config.url

    @property
    def displayed_url(self) -> str:
        """The base URL for a repr: without credentials, and never an error."""
        try:
            url = self.base_url
        except InvalidInputError:
            return "an invalid base URL"
        return without_credentials(url)

    def validate_config(self) -> None:
        """Raise what is wrong with the base URL or the token, before anything is sent."""
        base_url, token = self._config.variables
        if self._auth.environment != (base_url(), token()):
            self._config.read()

    def redact(self, text: str) -> str:
        """Return a foreign text that is about to be shown, without the token."""
        token = self._auth.token
        if token:
            return text.replace(token, "***")
        return text

    def hold_seconds(self, seconds: float, deadline: Deadline) -> int:
        """Return for how long the API may hold a response back and not be taken for silent.

        Args:
            seconds: How long is wanted.
            deadline: The deadline of the call.

        Returns:
            Whole seconds, 0 to 60.
        """
        allowed = min(self.timeout, max(0.0, deadline.end - monotonic()))
        margin = min(10.0, allowed / 4)
        return max(0, int(min(seconds, _MAX_HOLD, allowed - margin)))

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content | None = None,
        model: str | None = None,
        repeatable: bool = True,
        single_attempt: float | None = None,
        deadline: Deadline = NO_DEADLINE,
        decode: Callable[[bytes], Any] | None = None,
        build: Callable[[Any], _Result],
        delivery: Delivery | None = None,
        retry_if: Callable[[BaseException], bool] | None = None,
    ) -> _Result:
        """Return what is built of the response's JSON, or of None where its body is empty.

        Args:
            method: The HTTP method.
            path: The path behind the base URL.
            body: A value to send as JSON.
            params: The query.
            headers: Further headers.
            content: A body that is not JSON, instead of `body`.
            model: The model that the request is about: its 404 is an `UnknownModelError`.
            repeatable: Whether it may be sent again after any passing failure. If not, it is sent
                again only where it provably had no effect.
            single_attempt: The seconds of the one and only attempt, for a caller that is leaving.
            deadline: The deadline of the call.
            decode: Parses the body, in place of a JSON parser.
            build: Makes the value to return of the parsed body. Where that is not what it must be,
                it raises UnexpectedDataError.
            delivery: Where to note how far the latest attempt got.
            retry_if: Decides after each failure whether to send it again, in place of `repeatable`.

        Raises:
            InvalidInputError: The request cannot be made of these arguments; nothing was sent.
            MissingAuthError: There is no token; nothing was sent.
            ConnectionFailed: No complete response arrived.
            ResponseError: The response is not the expected one.
        """
        base_url, token = self._config.variables
        auth = self._auth
        # Before they are read: what another thread sets meanwhile is read at the next request.
        environment = (base_url(), token())
        if auth.environment != environment:
            auth = self._auth = BearerAuth(*self._config.read(), environment)
            self.current_url = auth.base_url
        if headers:
            all_headers = {**self._headers, **headers}
        else:
            all_headers = self._headers
        data: Body | None = None
        if body is not None:
            data = serialize_json(body)
            all_headers = {**all_headers, "Content-Type": "application/json"}
        elif content is not None:
            data = content.body
            all_headers = {**all_headers, "Content-Type": content.content_type}
        request = Request(
            method,
            auth.base_url + path,
            params,
            all_headers,
            data,
            auth,
            model,
            repeatable,
            decode,
            build,
            delivery,
            retry_if,
        )
        result: _Result
        if single_attempt is not None:
            result = self._attempt(request, single_attempt, None)
            return result
        try:
            result = self._attempt(request, self.timeout, deadline)
            return result
        except ReplicateError as error:
            if not request.is_retryable(error):
                # The lines of this package say nothing to a caller.
                raise error.with_traceback(None) from error.__cause__
            first_error = error
        result = self._retry(request, first_error, deadline)
        return result

    def close(self) -> None:
        """Close the connections of this thread."""
        self._sessions.close()

    def _retry(self, request: Request, error: ReplicateError, deadline: Deadline) -> Any:
        """Send a request again that has failed once."""
        first_error: list[ReplicateError] = [error]

        def send() -> Any:
            if first_error:
                raise first_error.pop()  # the policy counts the attempt that was already made
            return self._attempt(request, self.timeout, deadline)

        def log_retry(error: BaseException, pause: float, attempt: int) -> None:
            text = str(error)
            if isinstance(error, ReplicateError):
                text = error.message
            text = self.redact(text)
            _log.warning(
                "%s: attempt %d failed, retrying in %.1f s: %s",
                request.purpose,
                attempt,
                pause,
                text,
            )
            self.events.emit(
                "retried", request=request.purpose, attempt=attempt, pause=pause, error=text
            )

        try:
            return self._retries.call(send, request.is_retryable, deadline, log_retry)
        except ReplicateError as last_error:
            raise last_error.with_traceback(None) from last_error.__cause__

    def _attempt(self, request: Request, timeout: float, deadline: Deadline | None) -> Any:
        """Send a request once, after the pause that the API has asked of any thread.

        Without a deadline the caller is leaving, and does not wait for that pause.
        """
        if deadline is not None and self._paused_until > monotonic():
            deadline.sleep(self._paused_until - monotonic())
        started = monotonic()
        if deadline is None:
            end = started + timeout
        else:
            end = max(deadline.end, started + _LAST_TIMEOUT)
            timeout = min(timeout, end - started)
        response, body = self._exchange(request, timeout, end)
        if _log.isEnabledFor(logging.DEBUG):
            duration = 1000 * (monotonic() - started)
            _log.debug("%s: %d in %.0f ms", request.purpose, response.status_code, duration)
        expected = "JSON"
        parse_error: Exception | None = None
        if 200 <= response.status_code < 300:
            try:
                value: Any = None
                if request.decode is not None:
                    value = request.decode(body)
                elif body and not body.isspace():
                    value = json.loads(body)
                    output = value.get("output") if isinstance(value, dict) else None
                    if len(body) > LONG_TEXT and isinstance(output, list | dict):
                        with LongObject(value, body) as prediction:
                            built = request.build(prediction)
                        return value if built is prediction else built
                return request.build(value)
            except UnexpectedDataError as unexpected:
                expected = unexpected.expected
            except (ValueError, RecursionError) as invalid:
                parse_error = invalid
        raise self._response_error(request, response, body, expected, parse_error)

    def _exchange(
        self, request: Request, timeout: float, end: float
    ) -> tuple[requests.Response, bytes]:
        """Return the response to a request, and its body; redirects within the API are followed."""
        outer = sys.exc_info()[1]
        url = request.url
        params = request.params
        delivery = request.delivery
        if delivery is None:
            delivery = Delivery()
        else:
            delivery.begin_attempt()
        delivery.timeout = timeout
        delivery.end = end
        body = b""
        try:
            for _ in range(MAX_REDIRECTS):
                sent_at = monotonic()
                with self._sessions.send(
                    request.method,
                    url,
                    request.headers,
                    delivery=delivery,
                    auth=request.auth,
                    data=request.data,
                    params=params,
                ) as response:
                    delivery.status = response.status_code
                    self.clock.dates.append((response.headers.get("Date"), sent_at, monotonic()))
                    target = None
                    if response.is_redirect:
                        target = redirect_target(request.method, url, response)
                    if target is None:
                        body_end = min(end, monotonic() + timeout)
                        body = read_body(response, body_end, _MAX_BODY, delivery)
                        break
                url = target
                params = None
        except BodyTooLong as too_long:
            raise response_errors.unexpected_response(
                response.status_code,
                response.headers,
                too_long.beginning,
                purpose=request.purpose,
                expected=f"shorter than {_MAX_BODY >> 20} MB",
            ) from None
        except InvalidInputError as error:  # of the file that was being sent
            raise error.with_traceback(None) from error.__cause__
        except connection_errors.TRANSPORT_EXCEPTIONS as cause:
            raise connection_errors.failure(  # noqa: B904  # it has its cause
                cause,
                outer,
                url,
                request.purpose,
                timeout,
                repeatable=request.repeatable,
                sent=delivery.sent,
                is_over=monotonic() >= end,
            )
        except KeyboardInterrupt as interrupt:
            Interruption().attach_to(interrupt)
            # What is below is not the caller's, and holds the token as it goes over the wire.
            raise interrupt.with_traceback(None) from None
        return response, body

    def _response_error(
        self,
        request: Request,
        response: requests.Response,
        body: bytes,
        expected: str,
        cause: Exception | None,
    ) -> ReplicateError:
        """Return the error for a response that brought no value, or not the expected one."""
        redacted = request.auth.redact(body)
        if redacted is not body:
            body = redacted
            cause = None  # it holds the body
        headers = CaseInsensitiveDict(
            {name: self.redact(value) for name, value in response.headers.items()}
        )
        error = response_errors.error_for_response(
            response.status_code,
            headers,
            body,
            purpose=request.purpose,
            expected=expected,
            model=request.model,
        )
        error.__cause__ = cause
        if isinstance(error, RateLimitError):
            pause = min(error.retry_after or 0.0, _MAX_SHARED_PAUSE)
            self._paused_until = max(self._paused_until, monotonic() + pause)
        return error

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # They mean nothing in another process, which may have another clock.
        del state["_auth"], state["_paused_until"], state["clock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._auth = BearerAuth("", "", None)
        self.clock = ServerClock()
        self._paused_until = 0.0
