"""The HTTP API of a Cog server: its health, its schema, and its predictions as event streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

import requests

from ..json_types import JSONObject
from ..schemas import Schema

_CONNECT_TIMEOUT = 5.0  # seconds
_READ_TIMEOUT = 10.0  # seconds
_CANCEL_TIMEOUT = 2.0  # seconds
_CHUNK_SIZE = 2**16
_MAX_REASON = 500  # letters of an unknown response that are shown
_NOT_SENT = "Failed to send request"


class WorkerBusy(Exception):
    """No worker accepts the prediction now: every slot is taken, or the worker is gone."""


class ConnectionLost(Exception):
    """The connection broke, or was refused, before the end of the prediction."""


class InputRefused(Exception):
    """The server accepts no such prediction; the text says why."""


class CogEvent(NamedTuple):
    """One event of a prediction.

    Attributes:
        kind: "log" with a text, "output" with an index and a chunk, or "completed" with everything.
        data: The JSON of the event.
    """

    kind: str
    data: JSONObject


class CogClient:
    """Sends requests to a Cog server, past any proxy.

    Args:
        url: Where the server listens.
    """

    def __init__(self, url: str) -> None:
        self.url: str = url.rstrip("/")

    def health(self) -> str:
        """Return its status, such as "READY" or "BUSY"; "" where it does not respond."""
        return str(self._get("/health-check").get("status", ""))

    def setup_logs(self) -> str:
        """Return what was logged during its setup."""
        setup = self._get("/health-check").get("setup")
        if not isinstance(setup, dict):
            return ""
        return str(setup.get("logs", ""))

    def document(self) -> Schema | None:
        """Return its OpenAPI document, or None where it has none."""
        return self._get("/openapi.json") or None

    def predict(self, id: str, input: JSONObject) -> Iterator[CogEvent]:
        """Run a prediction and yield its events; the last one is "completed".

        Where the model does not stream, that is the only one. Closing the generator cancels the
        prediction.

        Args:
            id: The id that the prediction gets.
            input: Its input.

        Raises:
            WorkerBusy: It may be sent again.
            ConnectionLost: It may have run.
            InputRefused: It did not run, and never will.
        """
        with _session() as session:
            try:
                for accept in ("text/event-stream", "application/json"):
                    with session.post(
                        f"{self.url}/predictions",
                        json={"id": id, "input": input},
                        headers={"Accept": accept},
                        stream=True,
                        timeout=(_CONNECT_TIMEOUT, None),
                    ) as response:
                        if response.status_code != 406:  # the model does not stream
                            yield from _parse_events(response)
                            return
            except requests.RequestException as error:
                raise ConnectionLost(str(error)) from error

    def cancel(self, id: str) -> None:
        """Cancel a prediction; one that is over, or a server that is gone, is no error."""
        with _session() as session:
            try:
                session.post(f"{self.url}/predictions/{id}/cancel", timeout=_CANCEL_TIMEOUT)
            except requests.RequestException:
                return

    def _get(self, path: str) -> JSONObject:
        with _session() as session:
            try:
                body = session.get(self.url + path, timeout=_READ_TIMEOUT).json()
            except (requests.RequestException, ValueError):
                return {}
        if not isinstance(body, dict) or "error" in body:
            return {}
        return body


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _parse_events(response: requests.Response) -> Iterator[CogEvent]:
    if response.status_code in (409, 503):
        raise WorkerBusy
    if response.status_code != 200:
        raise InputRefused(_reason(response))
    if "text/event-stream" not in response.headers.get("Content-Type", ""):
        yield CogEvent("completed", _require_sent(response.json()))
        return
    kind = ""
    # Each event is a line with its name and one with its data; anything else keeps the connection
    # alive.
    for line in _iter_lines(response):
        name, _, value = line.decode("utf-8").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield CogEvent(kind, _require_sent(json.loads(value)))
            if kind == "completed":
                return
    raise ConnectionLost("The stream ended before the prediction.")


def _iter_lines(response: requests.Response) -> Iterator[bytes]:
    """Yield the lines of a body.

    A line of 100 MB, as a file makes it, takes linear time; with `iter_lines` it takes quadratic
    time.
    """
    incomplete: list[bytes] = []
    for chunk in response.iter_content(_CHUNK_SIZE):
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield b"".join([*incomplete, line])
            incomplete = []
        incomplete.append(rest)


def _require_sent(prediction: JSONObject) -> JSONObject:
    """Return a prediction, or raise WorkerBusy where no worker has received it.

    That is so after a worker has crashed.
    """
    if str(prediction.get("error", "")).startswith(_NOT_SENT):
        raise WorkerBusy
    return prediction


def _reason(response: requests.Response) -> str:
    """Return what is wrong with an input, each problem with its field on a line of its own."""
    if response.status_code == 413:
        return (
            "The input is larger than the Cog server takes; "
            "a file counts a third more than its size."
        )
    try:
        lines = []
        for problem in response.json()["detail"]:
            field = ".".join(map(str, problem["loc"][2:]))
            lines.append(f"{field}: {problem['msg']}")
        return "\n".join(lines)
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.text.strip()[:_MAX_REASON]}"
