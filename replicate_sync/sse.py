r"""Server-sent events: bytes in, events out, as the WHATWG rules define it, however bytes were cut.

sseclient-py parses the fields of an event. Around it, this module frames the bytes, so that it sees
whole events in one form only: a byte order mark is removed, CR and CRLF become LF, bad UTF-8 is
repaired, and an event that no blank line has ended is dropped. Ids outlive their event and are
tracked here.

Most events have the one form in which Replicate writes them ("event", "id", "data", in that order);
these are found by one regular expression, all of a piece at a time. That is measured to matter, as
a model's tokens are many: an event of a token takes 1.3 µs so, and 9.9 µs by sseclient-py (CPython
3.11 on a busy machine, in pieces of 16 kB; `python -m benchmarks` measures streams beside other
clients).

An example: the pieces b"event: output\nid: 1\nda", b"ta: he" and b"llo\n\nevent: done\n" are
one whole event, `Event("output", "hello", "1")`. It is yielded with the third piece; the second
event is not yielded, as no blank line has ended it.

See https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import NamedTuple

from sseclient import SSEClient

if not hasattr(SSEClient, "events"):
    raise ImportError(
        "The installed module 'sseclient' is another package of that name: run "
        "`pip uninstall sseclient`, then `pip install --force-reinstall sseclient-py`."
    )

# Name, id and data in this order, each with its blank, as Replicate writes them; or without an id.
# The last group is all that is left, from the first event of another form on.
_USUAL_EVENTS = re.compile(
    "event: ([^\n]+)\n(?:id: ([^\n\0]+)\n)?data: ([^\n]*(?:\ndata: [^\n]*)*)\n\n|(?s:(.+))"
)
_USUAL_BEGINNING = "event: "
# Of an event of any other form; compiled when needed.
_DATA_LINE = rb"(?m)^data(?:: ?([^\n]*))?\n"
_MANY_LINES = 100  # from which on sseclient-py, whose cost grows with their square, gets only one
_ID_LINE = rb"(?m)^id(?:: ?([^\n\0]*))?$"
_RETRY_LINE = rb"(?m)^retry: ?([0-9]{1,18})$"
# As numbers: `b"\r" in chunk` first takes its left side for a number, which raises an exception
# inside of CPython on each call.
_CR = 13
_LF = 10
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_new = tuple.__new__


class Event(NamedTuple):
    """One event of a stream."""

    #: Its name, such as "output".
    event: str
    #: Its data, without the line break at the end.
    data: str
    #: The last event id so far.
    id: str = ""
    #: The time before a reconnect that it sets, in milliseconds.
    retry: int | None = None
    #: Whether the id came with this event, and not with an earlier one.
    own_id: bool = False

    def __eq__(self, other: object) -> bool:
        # Whose id it is says something of the stream, not of the event.
        return isinstance(other, Event) and other[:4] == self[:4]

    def __ne__(self, other: object) -> bool:
        return not self == other  # a tuple has its own

    def __hash__(self) -> int:
        return hash(self[:4])


def events(chunks: Iterable[bytes]) -> Generator[Event, None, None]:
    """Yield each event as soon as the blank line that ends it has arrived.

    Args:
        chunks: The bytes of the stream, cut anywhere: also within a character, or a CRLF.
    """
    parser = Parser()
    for chunk in chunks:
        yield from parser.parse(chunk)


class Parser:
    """Parses a stream as it arrives."""

    def __init__(self) -> None:
        self._normalizer = _Normalizer()
        self._pending = bytearray()  # what no blank line has ended yet
        self._last_id = ""

    def parse(self, chunk: bytes) -> list[Event]:
        """Return the events that the next bytes complete, however the stream was cut."""
        if _CR in chunk or not self._normalizer.is_settled:
            chunk = self._normalizer.normalize(chunk)
        block: bytes | bytearray = chunk
        if self._pending or not chunk.endswith(b"\n\n"):
            block = self._complete(chunk)
        text = block.decode("utf-8", "replace")
        events: list[Event] = []
        while text:
            found = _USUAL_EVENTS.findall(text)
            text = found[-1][3]
            if text:
                del found[-1]
            last_id = self._last_id
            for name, own_id, data, _ in found:
                if own_id:
                    last_id = own_id
                if "\n" in data:
                    data = data.replace("\ndata: ", "\n")
                # Without the call of Event.__new__, which is as much work as the rest of this loop.
                events.append(_new(Event, (name, data, last_id, None, own_id != "")))
            self._last_id = last_id
            if text:
                others, text = self._read_others(text)
                events += others
        return events

    def _complete(self, chunk: bytes) -> bytes | bytearray:
        """Return all that blank lines have ended; the rest is pending."""
        end = 1
        if _LF in chunk:
            end = chunk.rfind(b"\n\n") + 2
        completes_blank_line = chunk[:1] == b"\n" and self._pending[-1:] == b"\n"
        if end == 1 and not completes_blank_line:
            self._pending += chunk
            return b""
        self._pending += chunk[:end]
        block = self._pending
        self._pending = bytearray(chunk[end:])
        return block

    def _read_others(self, text: str) -> tuple[list[Event], str]:
        """Return the events of other forms with which a text begins, and what is behind them."""
        others: list[Event] = []
        position = 0
        while True:
            end = text.find("\n\n", position) + 2
            if end == 1:  # nothing, or a blank line more than an event needs
                return others, ""
            parsed, self._last_id = _parse(text[position:end].encode(), self._last_id)
            others += parsed
            position = end
            if text.startswith(_USUAL_BEGINNING, position):
                return others, text[position:]


def _parse(block: bytes, last_id: str) -> tuple[list[Event], str]:
    """Return the event in a block of any form, if there is one, and the last event id."""
    ids = re.findall(_ID_LINE, block)
    if ids:
        last_id = ids[-1].decode()
    retries = re.findall(_RETRY_LINE, block)
    if retries:
        retry = int(retries[-1])
    else:
        retry = None
    data = None
    if block.count(b"\n") > _MANY_LINES:
        data = b"\n".join(re.findall(_DATA_LINE, block)).decode()
        block, count = re.subn(_DATA_LINE, b"", block)
        if count:
            block = b"data: x\n" + block
    parsed = [
        Event(event.event, event.data if data is None else data, last_id, retry, bool(ids))
        for event in SSEClient(iter([block])).events()
    ]
    return parsed, last_id


class _Normalizer:
    """Removes the byte order mark and makes every line end in LF, chunk by chunk."""

    def __init__(self) -> None:
        self._beginning = b""
        self._has_begun = False
        self._ends_in_cr = False
        #: Whether a next chunk without a CR stays as it is.
        self.is_settled = False

    def normalize(self, chunk: bytes) -> bytes:
        """Return what is to be parsed of the next chunk."""
        if not self._has_begun:
            self._beginning += chunk
            is_short = len(self._beginning) < len(_BYTE_ORDER_MARK)
            if is_short and _BYTE_ORDER_MARK.startswith(self._beginning):
                return b""
            chunk = self._beginning.removeprefix(_BYTE_ORDER_MARK)
            self._has_begun = True
        if self._ends_in_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._ends_in_cr = False
        if _CR in chunk:
            self._ends_in_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self.is_settled = not self._ends_in_cr
        return chunk
