"""A prediction's event stream, as bytes."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator

from .job import Job
from .job_events import Event

CLIENT_SOCKET = "replicate_sync.client_socket"
"""The key of a WSGI environment for the socket of the client."""
_CLIENT_CHECK_INTERVAL = 0.5  # seconds
_LINE_END = re.compile(r"\r\n|\n|\r")
_GREETING = b": hi\n\n"
_IDLE = b":408: 408 Request Timeout\n\n"


def serialize_events(events: Iterable[Event]) -> bytes:
    """Return the bytes of events, each line of their data as a line of its own.

    A carriage return ends a line for every reader of event streams, so it does here.
    """
    texts = []
    for name, id_, data in events:
        lines = "\ndata: ".join(_LINE_END.split(data))
        texts.append(f"event: {name}\nid: {id_}\ndata: {lines}\n\n")
    return "".join(texts).encode("utf-8", "replace")


def stream_events(
    job: Job,
    last_event_id: str | None,
    idle_timeout: float,
    stopped: Callable[[], bool],
    client: socket.socket | None,
) -> Iterator[bytes]:
    """Yield a job's event stream, at each time what has happened since.

    It ends after a silence, also after the last event: it is the client that closes a stream.

    Args:
        job: The prediction.
        last_event_id: The stream resumes after the event with this id; an unknown id replays all.
        idle_timeout: After how many seconds without an event the stream ends.
        stopped: Returns whether the server has stopped.
        client: The connection, which is checked now and then, or None.
    """
    unsent = _GREETING
    position = 0 if last_event_id is None else job.position_after(last_event_id)
    last_event_at = time.monotonic()
    while not stopped():
        remaining = max(0.0, last_event_at + idle_timeout - time.monotonic())
        pause = min(_CLIENT_CHECK_INTERVAL, idle_timeout, remaining)
        only_client = client is not None and job.over  # there is nothing else to wait for
        events = job.events_from(position, 0.0 if unsent or only_client else pause)
        if unsent or events:
            position += len(events)
            yield unsent + serialize_events(events)
            unsent = b""
            last_event_at = time.monotonic()
        elif time.monotonic() - last_event_at >= idle_timeout:
            yield _IDLE
            return
        elif client is not None and is_closed(client, pause if only_client else 0.0):
            return


def is_closed(client: socket.socket, seconds: float = 0.0) -> bool:
    """Return whether the other end of a connection has closed it.

    Args:
        client: The connection, which has no timeout.
        seconds: How long to wait at most until it does.
    """
    try:
        client.settimeout(seconds)
        try:
            is_at_end = client.recv(1, socket.MSG_PEEK) == b""
        finally:
            client.settimeout(None)
    except (BlockingIOError, TimeoutError):
        return False
    except OSError:
        return True
    if not is_at_end:
        time.sleep(seconds)  # the end cannot be seen behind the next request
    return is_at_end
