"""The exceptions of this package: each says what happened and what to do about it.

There are three kinds of failure: no response arrived (`ConnectionFailed`), the response is not the
expected one (`ResponseError`), and a prediction did not succeed (`PredictionError`, `StreamError`).
What is found wrong before anything is sent is none of these. Where Python has a builtin exception
for the same mistake, the class inherits it as well.

This module imports nothing of the package. Which response is which error is decided in
`http.response_errors`, which failure of the network in `http.connection_errors`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .prediction.prediction import Prediction

__all__ = [
    "AuthenticationError",
    "ConnectionFailed",
    "InputRejectedError",
    "InvalidAnswerError",
    "InvalidInputError",
    "JournalError",
    "MapError",
    "MissingAuthError",
    "ModelNotFoundError",
    "NotFoundError",
    "OutputTypeError",
    "PaymentRequiredError",
    "PredictionCanceled",
    "PredictionError",
    "PredictionFailed",
    "PredictionTimeout",
    "RateLimitError",
    "ReplicateError",
    "ResponseError",
    "ServerError",
    "StreamError",
    "UnexpectedDataError",
    "UnknownModelError",
    "WebhookError",
]

TOKEN_VARIABLE = "REPLICATE_API_TOKEN"
TOKEN_PAGE = "https://replicate.com/account/api-tokens"
EXCERPT_LENGTH = 200  # characters of a foreign body or log that a message quotes

_PACKAGE_FOLDER = os.path.dirname(__file__)


class Response:
    """The HTTP response behind a `ResponseError`. It holds no request, and therefore no token.

    Args:
        status_code: Its HTTP status.
        headers: Its headers.
        content: Its body.

    Examples:
        >>> try:
        ...     client.predictions.get("abcdefghijklmnopqrstuvwxyz")
        ... except ResponseError as error:
        ...     print(error.response.status_code, error.response.headers["Content-Type"])
        404 application/json
    """

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become U+FFFD.

        Examples:
            >>> try:
            ...     client.predictions.get("abcdefghijklmnopqrstuvwxyz")
            ... except ResponseError as error:
            ...     print(error.response.text)
            {"detail":...
        """
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body parsed as JSON.

        Raises:
            ValueError: The body is not JSON.

        Examples:
            >>> try:
            ...     client.predictions.get("abcdefghijklmnopqrstuvwxyz")
            ... except ResponseError as error:
            ...     print(error.response.json()["status"])
            404
        """
        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<Response {self.status_code}, {len(self.content)} bytes>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and vars(other) == vars(self)


class ReplicateError(Exception):
    """The base class of every exception of this package.

    `str(error)` is the message, followed by the hint.

    Args:
        message: What happened.
        hint: What to do about it, as a sentence.

    Examples:
        >>> try:
        ...     client.run("local/always-fails")
        ... except ReplicateError as error:
        ...     print(type(error).__name__, error.prediction.status)
        PredictionFailed failed
    """

    #: The prediction that the failed call was about. It may still be running.
    prediction: Prediction | None = None
    #: What to do about it, as a sentence; "" where there is nothing to say.
    hint: str = ""

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint

    @property
    def message(self) -> str:
        """What happened, without the hint.

        Examples:
            >>> try:
            ...     client.run("hello world")
            ... except ReplicateError as error:
            ...     print(error.message)
            'hello world' does not name a model.
        """
        if self.args:
            return str(self.args[0])
        return ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows of the error: the message, and the caller's line."""
        lines = [f"{type(self).__name__}: {self}"]
        place = _caller_of(self.__traceback__)
        if place:
            lines.append(f"({place})")
        return ["\n".join(lines)]


class UnexpectedDataError(ReplicateError):
    """Data does not have the form that the API describes. In a response, it is a `ResponseError`.

    Args:
        expected: What the data is not, in words.
        data: The beginning of the data.

    Examples:
        >>> client.predictions.from_json("not a prediction")
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.UnexpectedDataError: ...
    """

    def __init__(self, expected: str, data: str) -> None:
        super().__init__()
        self.args: tuple[object, ...] = (expected, data)
        self.expected = expected

    @property
    def message(self) -> str:
        """What happened, without the hint.

        Examples:
            >>> try:
            ...     client.predictions.from_json([])
            ... except UnexpectedDataError as error:
            ...     print(error.message)
            The data is not a prediction with an id and a status: []
        """
        expected, data = self.args
        return f"The data is not {expected}: {data}"


class MissingAuthError(ReplicateError, ValueError):
    """There is no usable API token. Nothing was sent.

    Examples:
        >>> Replicate("").account.get()
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.MissingAuthError: No API token. ...
    """


class InvalidInputError(ReplicateError, ValueError):
    """An argument or a model's input is wrong. Nothing was created.

    Examples:
        >>> try:
        ...     client.run("replicate/hello-world", {"txt": "Alice"}, validate=True)
        ... except InvalidInputError as error:
        ...     print(error.fields[0]["description"])
        there is no input 'txt'; did you mean 'text'?
    """

    #: One dict for each problem, as the API sends them: `type`, `field`, `description`.
    fields: Sequence[Mapping[str, Any]] = ()


class ModelNotFoundError(ReplicateError, LookupError, ValueError):
    """There is no such model, or the name is not the name of a model.

    Examples:
        >>> client.run("hello world")
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.ModelNotFoundError: ...
    """


class ConnectionFailed(ReplicateError, ConnectionError):
    """No response arrived.

    Examples:
        >>> nobody = client.with_options(
        ...     base_url="http://127.0.0.1:9", retries=Retries(attempts=1)
        ... )
        >>> try:
        ...     nobody.run("replicate/hello-world", {"text": "Alice"})
        ... except ConnectionFailed as error:
        ...     print(error.maybe_created)
        False
    """

    #: Whether the request may have reached the server.
    maybe_sent: bool = False
    #: Whether a prediction may exist that this program does not know of.
    maybe_created: bool = False


class ResponseError(ReplicateError):
    """A response arrived, and it is not the expected one.

    Args:
        message: What happened.
        response: The response.
        hint: What to do about it, as a sentence.
        title: The problem's title (RFC 7807), if the response has one.
        detail: The problem's detail (RFC 7807), if the response has one.

    Examples:
        >>> client.server.faults.error(409)
        >>> try:
        ...     client.account.get()
        ... except ResponseError as error:
        ...     print(error.status_code, error.detail)
        409 Conflict
    """

    #: The response: `.status_code`, `.headers`, `.content`, `.text`, `.json()`.
    response: Response
    #: The problem's title and detail (RFC 7807), where the response has them.
    title: str | None = None
    detail: str | None = None
    #: Whether a prediction may exist that this program does not know of.
    maybe_created: bool = False

    def __init__(
        self,
        message: str,
        response: Response,
        *,
        hint: str = "",
        title: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(hint=hint)
        self.args: tuple[object, ...] = (message, response)  # what a pickled copy is made of
        self.response = response
        self.title = title
        self.detail = detail

    @property
    def status_code(self) -> int:
        """The HTTP status.

        Examples:
            >>> client.server.faults.error(409)
            >>> try:
            ...     client.account.get()
            ... except ResponseError as error:
            ...     print(error.status_code)
            409
        """
        return self.response.status_code


class AuthenticationError(ResponseError):
    """The token was refused (401), or it may not do this (403).

    Examples:
        >>> stranger = Replicate("r8_wrong", base_url=client.base_url)
        >>> stranger.account.get()
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.AuthenticationError: ...
    """


class PaymentRequiredError(ResponseError):
    """The account has no credit left (402).

    Examples:
        >>> client.server.faults.payment_required()
        >>> client.run("replicate/hello-world", {"text": "Alice"})
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.PaymentRequiredError: ...
    """


class NotFoundError(ResponseError):
    """There is nothing at this address (404).

    Examples:
        >>> client.predictions.get("abcdefghijklmnopqrstuvwxyz")
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.NotFoundError: ...
    """


class UnknownModelError(NotFoundError, ModelNotFoundError):
    """There is no such model, or the token may not see it (404).

    Examples:
        >>> client.models.get("replicate/hello-word")
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.UnknownModelError: ...
    """


class InputRejectedError(ResponseError, InvalidInputError):
    """The API refused the input (422). Nothing was created.

    Examples:
        >>> client.run("replicate/hello-world", {"text": 5})
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.InputRejectedError: ...
    """


class RateLimitError(ResponseError):
    """Too many requests (429). Nothing was created.

    Examples:
        >>> client.server.faults.rate_limit(retry_after=0)
        >>> impatient = client.with_options(retries=Retries(attempts=1))
        >>> try:
        ...     impatient.run("replicate/hello-world", {"text": "Alice"})
        ... except RateLimitError as error:
        ...     print(error.retry_after)
        0.0
    """

    #: The seconds after which the API asks to try again, if it says so.
    retry_after: float | None = None


class ServerError(ResponseError):
    """Replicate failed, or something on the way to it (5xx).

    Examples:
        >>> client.server.faults.error(503)
        >>> impatient = client.with_options(retries=Retries(attempts=1))
        >>> impatient.account.get()
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.ServerError: ...
    """


class PredictionError(ReplicateError):
    """A prediction has no result; `.prediction` is the live object.

    Examples:
        >>> try:
        ...     client.run("local/always-fails")
        ... except PredictionError as error:
        ...     print(error.prediction.status)
        failed
    """


class PredictionFailed(PredictionError):
    """The model raised an error, or the platform failed to run it.

    Examples:
        >>> try:
        ...     client.run("local/always-fails")
        ... except PredictionFailed as error:
        ...     print(error.prediction.error)
        This model fails on purpose, ...
    """

    prediction: Prediction


class PredictionCanceled(PredictionError):
    """The prediction was canceled, or aborted before it started.

    Examples:
        >>> prediction = client.predictions.create("local/slow", {"seconds": 60}).cancel()
        >>> prediction.wait()
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.PredictionCanceled: ...
    """

    prediction: Prediction


class PredictionTimeout(PredictionError, TimeoutError):
    """The prediction did not end in time. It is still running and was not canceled.

    Examples:
        >>> try:
        ...     client.run("local/slow", {"seconds": 60}, deadline=0.2)
        ... except PredictionTimeout as error:
        ...     print(error.prediction.cancel().status)
        canceled
    """

    prediction: Prediction


class OutputTypeError(PredictionError, TypeError):
    """The prediction succeeded, and its result is not of the type that was expected.

    Examples:
        >>> try:
        ...     client.run("replicate/hello-world", {"text": "Alice"}, expect=int)
        ... except OutputTypeError as error:
        ...     print(error.prediction.result())
        hello Alice
    """

    prediction: Prediction


class StreamError(ReplicateError):
    """An event stream broke and could not be resumed.

    Examples:
        >>> try:
        ...     text = "".join(client.stream("replicate/hello-world", {"text": "Alice"}))
        ... except StreamError as error:
        ...     text = error.text  # what was yielded before it broke
        >>> text
        'hello Alice'
    """

    #: The text that was yielded before: always a prefix of what the model wrote.
    text: str = ""


class InvalidAnswerError(ReplicateError, ValueError):
    """A model was asked for an answer of a form, and what it wrote does not conform to it.

    Examples:
        >>> client.server.script("me/poet", output="Roses are red.")
        >>> try:
        ...     client.chat("How many roses?", "me/poet", schema=int)
        ... except InvalidAnswerError as error:
        ...     print(error.text)
        Roses are red.
    """

    #: What it wrote.
    text: str = ""


class WebhookError(ReplicateError, ValueError):
    """A webhook was not signed by Replicate, or cannot be parsed.

    Examples:
        >>> client.webhooks.receive(b"{}", {})
        Traceback (most recent call last):
            ...
        replicate_sync.exceptions.WebhookError: ...
    """


class JournalError(ReplicateError):
    """A journal could not be written or read: the disk is full, or a row is damaged.

    Nothing is created that is not in the journal. What was created already is in `.prediction`.

    Examples:
        >>> names = [{"text": "Alice"}]
        >>> try:
        ...     greetings = list(client.map("replicate/hello-world", names, journal="names.db"))
        ... except JournalError as error:
        ...     print(error)  # such as: the disk is full
        >>> greetings
        ['hello Alice']
    """


class MapError(ReplicateError):
    """One input of a map failed. The results of the other inputs are kept here.

    Examples:
        >>> inputs = [{"text": "Alice"}, {"text": 5}]
        >>> try:
        ...     list(client.map("replicate/hello-world", inputs, concurrency=1))
        ... except MapError as error:
        ...     print(error.results, list(error.errors))
        {0: 'hello Alice'} [1]
    """

    #: The position of the input that failed, from 0.
    position: int = 0
    #: Every result so far by position, whether it has been yielded or not.
    results: Mapping[int, Any] = MappingProxyType({})
    #: Every error so far by position.
    errors: Mapping[int, Exception] = MappingProxyType({})


class Interruption:
    """What became of the work when its caller was interrupted, as the argument of the interrupt.

    Python shows the argument below the traceback of a script, a notebook shows it as one line, and
    a program can read it:

        except KeyboardInterrupt as interrupt:
            interruption = Interruption.of(interrupt)

    Args:
        message: What became of the work, as a sentence.
        prediction: The prediction that was running, if there was one.

    Examples:
        >>> try:
        ...     raise KeyboardInterrupt  # as Ctrl-C does during client.run(...)
        ... except KeyboardInterrupt as error:
        ...     print(Interruption.of(error))  # it says what was canceled
        None
    """

    def __init__(self, message: str = "", prediction: Prediction | None = None) -> None:
        self.message = message
        self.prediction = prediction

    @classmethod
    def of(cls, error: BaseException) -> Interruption | None:
        """Return the interruption that was attached to an exception, or None.

        Args:
            error: What was caught, such as a KeyboardInterrupt.

        Examples:
            >>> print(Interruption.of(KeyboardInterrupt()))
            None
        """
        if error.args and isinstance(error.args[0], cls):
            return error.args[0]
        return None

    def attach_to(self, error: BaseException) -> None:
        """Attach this to an exception, if that is a KeyboardInterrupt.

        Args:
            error: The exception, whose first argument this becomes.

        Examples:
            >>> error = KeyboardInterrupt()
            >>> Interruption("It was canceled.").attach_to(error)
            >>> print(Interruption.of(error))
            It was canceled.
        """
        if isinstance(error, KeyboardInterrupt):
            error.args = (self,)
            # The one hook that a notebook has for this.
            error._render_traceback_ = self._render  # type: ignore[attr-defined]

    def _render(self) -> list[str]:
        return [f"Stopped. {self.message}".strip()]

    def __str__(self) -> str:
        return self.message


def excerpt(body: bytes | str) -> str:
    """Return the beginning of a foreign body or log on one line, to be quoted in a message."""
    beginning = body[: 8 * EXCERPT_LENGTH]
    if isinstance(beginning, str):
        text = beginning
    else:
        text = beginning.decode(errors="replace")
    line = " ".join(text.split())
    if len(line) <= EXCERPT_LENGTH:
        return line
    return line[: EXCERPT_LENGTH - 1] + "…"


def _caller_of(traceback: TracebackType | None) -> str:
    """Return the last line of the caller's own code before this package was entered."""
    place = ""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(_PACKAGE_FOLDER):
            break
        if "IPython" not in file:
            # The file of a cell has a name that means nothing to a person.
            is_cell = "ipykernel" in file or file.startswith("<")
            place = f"line {traceback.tb_lineno} of {'the cell' if is_cell else file}"
        traceback = traceback.tb_next
    return place
