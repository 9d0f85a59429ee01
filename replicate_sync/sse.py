"""Bytes become events, as the WHATWG rules have it, however the bytes were cut.

sseclient-py reads the fields of an event. Around it, this module frames the bytes, so that it sees whole events in one
spelling only: one byte order mark is stripped, CR and CRLF become LF, bad UTF-8 is repaired, and an event that was never
finished by a blank line is dropped. Ids outlive their event and are kept here. An event in the one form in which Replicate
writes most of them is read at a glance, as a model's tokens are many.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sseclient import SSEClient

if not hasattr(SSEClient, "events"):
    raise ImportError(
        "The installed module 'sseclient' is another package of that name: "
        "run `pip uninstall sseclient`, then `pip install --force-reinstall sseclient-py`."
    )

# name, id and data in this order, each with its blank, as Replicate writes them
_USUAL = re.compile(rb"event: ([^\n]+)\nid: ([^\n\0]+)\ndata: ([^\n]*(?:\ndata: [^\n]*)*)\n\n")
_BOM = b"\xef\xbb\xbf"
_ID = re.compile(rb"^id(?:: ?([^\n\0]*))?$", re.MULTILINE)
_RETRY = re.compile(rb"^retry: ?([0-9]{1,18})$", re.MULTILINE)


class Event(NamedTuple):
    """One event: its name, its data, the last event id so far, and the `retry` it set, in milliseconds."""

    event: str
    data: str
    id: str = ""
    retry: int | None = None
    #: Whether the id came with this very event; else it is that of an earlier one.
    own_id: bool = False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Event) and other[:4] == self[:4]
        )  # whose id it is tells one of two streams, not of two events

    def __hash__(self) -> int:
        return hash(self[:4])


def events(chunks: Iterable[bytes]) -> Iterator[Event]:
    """Yield each event as soon as the blank line that ends it has arrived.

    `chunks` may be cut anywhere, in the middle of a character or of a CRLF too.
    """
    last_id, usual = "", _USUAL.match
    for whole in _whole(chunks):
        at, end = 0, len(whole)
        while at < end:
            if found := usual(whole, at):
                name, own, data = found.groups()
                last_id, at = own.decode("utf-8", "replace"), found.end()
                if b"\n" in data:
                    data = data.replace(b"\ndata: ", b"\n")
                yield Event(name.decode("utf-8", "replace"), data.decode("utf-8", "replace"), last_id, None, True)
                continue
            start, at = at, whole.find(b"\n\n", at) + 2
            if at == 1:  # a blank line more than an event needs
                break
            block = bytes(whole[start:at])
            if not block.isascii():
                block = block.decode("utf-8", "replace").encode()
            ids, retries = _ID.findall(block), _RETRY.findall(block)
            last_id = ids[-1].decode() if ids else last_id
            for parsed in SSEClient(iter([block])).events():
                yield Event(parsed.event, parsed.data, last_id, int(retries[-1]) if retries else None, bool(ids))


class _Lines:
    """Strips the byte order mark and lets every line end in LF, chunk by chunk."""

    def __init__(self) -> None:
        self._start = b""
        self._started = self._after_cr = False
        #: Whether a next chunk without a CR stays as it is.
        self.settled = False

    def spelled(self, chunk: bytes) -> bytes:
        """Give what is to be read of the next chunk."""
        if not self._started:
            self._start += chunk
            if len(self._start) < len(_BOM) and _BOM.startswith(self._start):
                return b""
            chunk, self._started = self._start.removeprefix(_BOM), True
        if self._after_cr and chunk:
            chunk, self._after_cr = chunk.removeprefix(b"\n"), False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self.settled = not self._after_cr
        return chunk


def _whole(chunks: Iterable[bytes]) -> Iterator[bytes | bytearray]:
    """Cut the stream behind blank lines, so that each piece is whole events; what no blank line ends is dropped."""
    lines, pending = _Lines(), bytearray()
    for chunk in chunks:
        if b"\r" in chunk or not lines.settled:
            chunk = lines.spelled(chunk)
        if not pending and chunk.endswith(b"\n\n"):
            yield chunk
            continue
        end = chunk.rfind(b"\n\n") + 2 if b"\n" in chunk else 1
        if end == 1 and not (chunk[:1] == b"\n" and pending[-1:] == b"\n"):
            pending += chunk
            continue
        pending += chunk[:end]
        yield pending
        pending = bytearray(chunk[end:])
