"""What keeps a page up to date: server-sent events that say which part of it changes to what.

event: upsert    {"list", "id", "version", "html"}   a row, new or changed
event: replace   {"id", "version", "html"}           a part of the page
event: append    {"id", "at", "count", "text"}       text, from one piece on up to another
event: end       {}                                  nothing changes any more
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from werkzeug.wrappers import Response

from ..job import Job
from ..routes.current_request import request
from ..streams import CLIENT_SOCKET, is_closed
from .prediction_view import streams_text

_INTERVAL = 0.1  # seconds between two looks at what has changed
_HEARTBEAT = 10.0  # seconds of silence after which a comment is sent


class Change(NamedTuple):
    """A part of a page as it is now.

    Attributes:
        list: The id of the list that it is a row of, or "" for a part that is there already.
        id: The id of its element.
        version: What changes whenever it does.
        render: Returns its HTML.
    """

    list: str
    id: str
    version: str
    render: Callable[[], str]


FindChanges = Callable[[], Iterable[Change]]
"""Returns every part of a page that may have changed, the oldest row first."""


class Connection(NamedTuple):
    """The browser that listens.

    Attributes:
        stopped: Returns whether the server has stopped.
        client: Its socket, or None.
    """

    stopped: Callable[[], bool]
    client: socket.socket | None

    def is_open(self) -> bool:
        """Return whether there is any use in sending more."""
        return not self.stopped() and (self.client is None or not is_closed(self.client))


def connection_of_request(stopped: Callable[[], bool]) -> Connection:
    """Return the connection of the current request."""
    return Connection(stopped, request.environ.get(CLIENT_SOCKET))


def event_response(events: Iterator[bytes]) -> Response:
    """Return the response that sends events."""
    return Response(
        events,
        headers={"Cache-Control": "no-store"},
        content_type="text/event-stream; charset=utf-8",
    )


def page_events(find_changes: FindChanges, connection: Connection) -> Iterator[bytes]:
    """Yield what changes on a page, until the browser leaves it."""
    yield b": hi\n\n"
    sent: dict[str, str] = {}
    sent_at = time.monotonic()
    while connection.is_open():
        for event in _changes(find_changes, sent):
            yield event
            sent_at = time.monotonic()
        if time.monotonic() - sent_at > _HEARTBEAT:
            yield b": still here\n\n"
            sent_at = time.monotonic()
        time.sleep(_INTERVAL)


def prediction_events(
    job: Job, position: int, find_changes: FindChanges, connection: Connection
) -> Iterator[bytes]:
    """Yield what changes of a prediction, until it is over.

    Args:
        job: The prediction.
        position: How many pieces of its text the page has.
        find_changes: The parts of the page besides the text.
        connection: The browser.
    """
    yield b": hi\n\n"
    sent: dict[str, str] = {}
    text = streams_text(job)
    while connection.is_open():
        over = job.over
        if text:
            output = job.output
            pieces = output[position:] if isinstance(output, list) else []
            if pieces:
                count = position + len(pieces)
                yield _event(
                    "append",
                    id=f"text-{job.id}",
                    at=position,
                    count=count,
                    text="".join(map(str, pieces)),
                )
                position = count
        yield from _changes(find_changes, sent)
        if over:
            yield _event("end")
            return
        with job.changed:
            if job.over == over:
                job.changed.wait(0.5)
        time.sleep(_INTERVAL / 2)


def _changes(find_changes: FindChanges, sent: dict[str, str]) -> Iterator[bytes]:
    for change in find_changes():
        if sent.get(change.id) == change.version:
            continue
        sent[change.id] = change.version
        fields = {"id": change.id, "version": change.version, "html": change.render()}
        if change.list:
            yield _event("upsert", list=change.list, **fields)
        else:
            yield _event("replace", **fields)


def _event(name: str, **data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
