"""A prediction's event stream, to the byte."""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Callable, Iterator

from .jobs import Job

_LOOK = 0.5  # seconds between two looks whether the client is still there


def encode(name: str, number: str, data: str) -> bytes:
    """Give the bytes of one event; each line of the data becomes a data line.

    A carriage return would end the line for every reader, so it counts as an end of line here too.
    """
    lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\n|\r", data))
    return f"event: {name}\nid: {number}\n{lines}\n".encode("utf-8", "replace")


def follow(
    job: Job, last: str | None, idle: float, stopped: Callable[[], bool], client: socket.socket | None
) -> Iterator[bytes]:
    """Yield a job's stream: the events after the one with the id `last`, or all where it is unknown.

    Ends after `idle` seconds without an event, also behind the last one: it is the client who hangs up.
    """
    yield b": hi\n\n"
    position = job.position(last)
    heard = time.monotonic()
    while not stopped():
        events = job.events_from(position, min(_LOOK, idle, max(0.0, heard + idle - time.monotonic())))
        for event in events:
            yield encode(*event)
        position += len(events)
        if events:
            heard = time.monotonic()
        elif time.monotonic() - heard >= idle:
            yield b":408: 408 Request Timeout\n\n"
            return
        elif client is not None and _gone(client):
            return


def _gone(client: socket.socket) -> bool:
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            return bool(selector.select(0)) and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
