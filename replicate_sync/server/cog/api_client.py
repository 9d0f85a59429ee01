"""What a Cog server says over HTTP: its health, its schema, and its predictions as they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import requests

from ..schemas import Schema

_CONNECT = 5.0  # seconds
_ANSWER = 10.0
_CANCELED = 2.0  # for which whoever cancels waits


class Busy(Exception):
    """No worker takes it now: every slot is taken, or is about to be free, or the worker is gone."""


class Lost(Exception):
    """The connection broke, or was refused, before the end of the prediction was told."""


class Refused(Exception):
    """The server takes no such prediction; the text says why."""


class Piece(NamedTuple):
    """One event of a prediction: `log` with a text, `output` with an index and a chunk, `completed` with all of it."""

    kind: str
    data: dict[str, Any]


class CogClient:
    """Speaks to the Cog server at a URL, and to no proxy."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def health(self) -> str:
        """Give READY, BUSY or whatever else it says of itself, and "" where it says nothing."""
        return str(self._look("/health-check").get("status", ""))

    def setup_logs(self) -> str:
        """Give what was logged in its setup."""
        setup = self._look("/health-check").get("setup")
        return str(setup.get("logs", "")) if isinstance(setup, dict) else ""

    def document(self) -> Schema | None:
        """Give its OpenAPI document, or None where it has none."""
        return self._look("/openapi.json") or None

    def predict(self, id: str, given: dict[str, Any]) -> Iterator[Piece]:
        """Run a prediction and yield what it says; the last piece is `completed`, with `status`, `output` and so on.

        Where the model does not stream, that is the only one. To stop in the middle cancels the prediction.
        Raises Busy, Lost or Refused.
        """
        with _session() as session:
            try:
                for accept in ("text/event-stream", "application/json"):
                    with session.post(
                        f"{self.url}/predictions",
                        json={"id": id, "input": given},
                        headers={"Accept": accept},
                        stream=True,
                        timeout=(_CONNECT, None),
                    ) as response:
                        if response.status_code != 406:  # which a model says that does not stream
                            yield from _read(response)
                            return
            except requests.RequestException as error:
                raise Lost(str(error)) from error

    def cancel(self, id: str) -> None:
        """Cancel a prediction; one that is over, or a server that is gone, is no news."""
        with _session() as session:
            try:
                session.post(f"{self.url}/predictions/{id}/cancel", timeout=_CANCELED)
            except requests.RequestException:
                return

    def _look(self, path: str) -> dict[str, Any]:
        with _session() as session:
            try:
                body = session.get(self.url + path, timeout=_ANSWER).json()
            except (requests.RequestException, ValueError):
                return {}
        return body if isinstance(body, dict) and "error" not in body else {}


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _read(response: requests.Response) -> Iterator[Piece]:
    if response.status_code in (409, 503):
        raise Busy
    if response.status_code != 200:
        raise Refused(_reason(response))
    if "text/event-stream" not in response.headers.get("Content-Type", ""):
        yield Piece("completed", _reached(response.json()))
        return
    kind = ""
    # Each event is a line with its name and one with its data; all else that may come is a sign of life.
    for line in _lines(response):
        name, _, value = line.decode("utf-8").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield Piece(kind, _reached(json.loads(value)))
            if kind == "completed":
                return
    raise Lost("The stream ended before the prediction.")


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Yield line by line; one of 100 MB, as a file makes it, in the time it takes to come, which `iter_lines` does not."""
    begun: list[bytes] = []
    for chunk in response.iter_content(2**16):
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield b"".join([*begun, line])
            begun = []
        begun.append(rest)


def _reached(told: dict[str, Any]) -> dict[str, Any]:
    """Give what is told of a prediction; raises Busy where no worker has got it, which one that crashed earlier has not."""
    if str(told.get("error", "")).startswith("Failed to send request"):
        raise Busy
    return told


def _reason(response: requests.Response) -> str:
    """Give what is wrong with the input, each fault with its name on a line of its own, else the answer as it is."""
    if response.status_code == 413:
        return "The input is larger than the Cog server takes; a file counts a third more than its size."
    try:
        found = response.json()["detail"]
        return "\n".join(f"{'.'.join(map(str, one['loc'][2:]))}: {one['msg']}" for one in found)
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.text.strip()[:500]}"
