"""The text of a stream so far, and what of the next piece is new.

An event stream may break and be opened again, or be joined late; what arrives then may go on where
it broke, start from the beginning, or have a gap. A `Transcript` sees only values (data, event ids,
the prediction's output), and never a socket. It returns each character once: what it has returned
is at any time a prefix of what the model wrote.

A stream that is read from its beginning, and has not been broken, is taken as it comes. If the
number of its first id says that others came before it, its end is compared with the output. After a
break, only two things say where its pieces belong: an id, if its number is the next one after the
last id; and the prediction's output, which each poll brings, if it has a long passage of them just
once. What neither of them vouches for is not returned.

An example: the model writes "one two three" in the pieces "one ", "two " and "three", with the ids
7:1, 7:2 and 7:3, and the connection breaks after the second piece.

    transcript = Transcript()
    transcript.reconnect()
    transcript.add_event("one ", "7:1")  # returns "one "
    transcript.add_event("two ", "7:2")  # returns "two ", which ends at 8
    transcript.reconnect()               # the stream goes on anywhere

    A server that resumes sends "three" with the id 7:3. That is the next one after 7:2, so "three"
    begins at 8, and is returned.

    A server that starts again under the same ids sends "one " and "two " with the ids 7:1 and 7:2,
    for which "" is returned; "three" has the id 7:3, as above.

    A server that starts again under other ids, or without any, or goes on with what the model
    writes now, sends what may belong anywhere. "" is returned, until a poll brings the output "one
    two thr": then "thr" is. Were "three" a passage of many characters, a poll that brings all of
    it would say where the stream is, which is taken as it comes again from there on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..sse import Event

# Characters that the output has to have just once. A poll that is up to date leaves no doubt then
# however few they are; many of them make up for one that is late.
_MIN_PASSAGE = 64
_MAX_FIRST_NUMBER = 1  # of the first event's id: a server counts from 0 or 1
_NUMBERED_ID = re.compile(r"(.*?)([0-9]{1,18})", re.DOTALL)


# In place of the id of the last event whose place is known, and of the position behind its data.
_NO_EVENT = ("", 0)


class Transcript:
    """The text so far; `add_event` and `add_output` return the part of a piece that is new.

    Args:
        is_late: Whether the stream is joined late, so that its first piece may belong anywhere.
    """

    def __init__(self, *, is_late: bool = False) -> None:
        #: How many characters there are.
        self.length: int = 0
        #: Whether all text came in one unbroken stream, so that its end needs no confirmation.
        self.is_unbroken: bool = not is_late
        self._parts: list[str] = []
        self._connections = 0
        self._last = _NO_EVENT
        self._data_by_id: dict[str, str] = {}
        # Where the next piece begins; None where that is not known.
        self._position: int | None = None if is_late else 0
        # What of this connection came since its place is not known.
        self._unplaced: list[str] = []
        self._unplaced_ids: set[str] = set()
        # Whether one connection had an id twice, so that ids say nothing any more.
        self._ids_repeat = False
        # Whether it was opened again before any text, so that it may well be at the beginning.
        self._is_restarted = False

    @property
    def text(self) -> str:
        """All the text so far."""
        if len(self._parts) != 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]

    @property
    def last_id(self) -> str:
        """The id of the last event whose place is known, or "": the stream goes on behind it."""
        if self._ids_repeat:
            return ""
        return self._last[0]

    @property
    def is_lost(self) -> bool:
        """Whether it is not known where the next piece begins: only polls bring text then."""
        return self._position is None

    def reconnect(self, *, is_written: bool = True) -> None:
        """Note that the stream is being opened, with `last_id` as its last event id.

        Args:
            is_written: Whether the model may have written something before.
        """
        self._connections += 1
        is_empty = not self.length and not self._data_by_id
        if self._connections > 1:
            self.is_unbroken = False
            self._position = None
            self._unplaced = []
            self._unplaced_ids = set()
            self._is_restarted = is_empty
        if is_empty and not is_written:
            self._position = 0

    def add_events(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return what is new in some output events: those with new text, and those without any.

        Args:
            events: The events, in the order in which they came.
        """
        if events and not self.length and not self._data_by_id:
            self._note_first(events[0].id, has_own_id=events[0].own_id)
        count = 0
        length = self.length
        if self._position == length:
            for _, data, event_id, _, has_own_id in events:
                if not has_own_id or not event_id or event_id in self._data_by_id:
                    break
                # It simply goes on where the text ends, as most do.
                self._data_by_id[event_id] = data
                self._parts.append(data)
                length += len(data)
                count += 1
        if count:
            self.length = length
            self._position = length
            self._last = (events[count - 1].id, length)
        if count == len(events):
            return events
        return [*events[:count], *self._add_each(events[count:])]

    def _add_each(self, events: Sequence[Event]) -> list[Event]:
        new: list[Event] = []
        for event in events:
            text = self.add_event(event.data, event.id, has_own_id=event.own_id)
            if text and text != event.data:
                new.append(event._replace(data=text))
            elif text or not (event.data or self.is_lost):
                new.append(event)
        return new

    def add_event(self, data: str, event_id: str, *, has_own_id: bool = True) -> str:
        """Return what is new in the data of an output event.

        Args:
            data: The event's data.
            event_id: The last event id as of this event.
            has_own_id: Whether the id came with this event, and not with an earlier one.
        """
        if not self.length and not self._data_by_id:
            self._note_first(event_id, has_own_id=has_own_id)
        own_id = event_id if has_own_id else ""
        position = self._position
        if position is None:
            if not self._is_next(data, own_id):
                self._unplaced.append(data)
                return ""
            position = self._last[1]
        elif own_id in self._data_by_id:
            self._note_repeated_id(data, own_id)
            if self.is_lost:
                self._unplaced = [data]
                return ""
            own_id = ""
        return self._add_at(position, data, own_id)

    def add_output(self, output: object, *, is_final: bool) -> str | None:
        """Return what is new in the prediction's output so far.

        Args:
            output: The output, as parsed from JSON.
            is_final: Whether the prediction has ended.

        Returns:
            The new text; None where a final output contradicts the text so far.

        Raises:
            UnexpectedDataError: The output is nested too deeply to be written as text.
        """
        from .output_text import rest_of_output  # late, as most streams are never broken

        rest = rest_of_output(self.text, output)
        if rest.new is not None:
            self._append(rest.new)
            return rest.new + self._place()
        if is_final:
            return None
        if not rest.is_behind:
            self._position = None
            self._last = _NO_EVENT
        return ""

    def end(self, output: object) -> str | None:
        """Return what is new where the stream has ended, and no poll shows yet the whole output.

        That is nothing most often. But a stream that was opened again before any text is believed
        to have begun at its beginning, if nothing contradicts that.

        Args:
            output: The output so far, as parsed from JSON.

        Returns:
            The new text; None where the text may not be whole.

        Raises:
            UnexpectedDataError: The output is nested too deeply to be written as text.
        """
        from .output_text import rest_of_output

        whole = self.text
        if self.is_lost:
            whole = "".join(self._unplaced) if self._is_restarted else ""
        rest = rest_of_output(whole, output)
        is_whole = rest.is_behind or rest.new == ""
        if not is_whole or not whole or not whole.startswith(self.text):
            return None
        new = whole[self.length :]
        self._append(new)
        return new

    def _is_next(self, data: str, own_id: str) -> bool:
        """Return whether a piece of unknown place has the id that is the next one after the last.

        A known id with other data shows that the ids of a connection are its own. One that comes
        twice shows that ids say nothing.
        """
        if own_id and own_id in self._unplaced_ids:
            self._ids_repeat = True
        self._unplaced_ids.add(own_id)
        if self._data_by_id.get(own_id, data) != data:
            self._last = _NO_EVENT
        return not self._ids_repeat and _is_next(self._last[0], own_id)

    def _place(self) -> str:
        """Look for what came of unknown place in the text, and return what is new behind that."""
        if not self.is_lost:
            return ""
        text = self.text
        came = "".join(self._unplaced)
        size = _MIN_PASSAGE
        while size <= len(came):
            passage = came[:size]
            start = text.find(passage)
            if start < 0:
                break
            if text.find(passage, start + 1) < 0:
                self._unplaced = []
                return self._add_at(start, came, "")
            size *= 2
        return ""

    def _note_first(self, event_id: str, *, has_own_id: bool) -> None:
        """Note by the id of the first event whether others came before it."""
        first = _NUMBERED_ID.fullmatch(event_id)
        if has_own_id and first is not None and int(first[2]) > _MAX_FIRST_NUMBER:
            self.is_unbroken = False

    def _append(self, data: str) -> None:
        if data:
            self._parts.append(data)
            self.length += len(data)

    def _note_repeated_id(self, data: str, event_id: str) -> None:
        """Note that an id came again, so that ids say nothing any more.

        In the first connection other data is another piece. The same data may be the same piece
        again, or one more.
        """
        if self._connections > 1 or data == self._data_by_id[event_id]:
            self._position = None
        if self._connections == 1:
            self._ids_repeat = True
        self._data_by_id[event_id] = data
        self._last = _NO_EVENT
        self.is_unbroken = False

    def _add_at(self, position: int, data: str, own_id: str) -> str:
        """Return what is new in a piece that begins at this position."""
        new = data
        if position < self.length:
            known = self.text[position : position + len(data)]
            new = data[len(known) :]
            if data[: len(known)] != known:
                self._position = None
                return ""
        self._append(new)
        self._position = position + len(data)
        if own_id:
            self._data_by_id[own_id] = data
            self._last = (own_id, self._position)
        return new


def _is_next(last_id: str, event_id: str) -> bool:
    """Return whether an id is the next one after another: 1690212292:8 after 1690212292:7."""
    last = _NUMBERED_ID.fullmatch(last_id)
    this = _NUMBERED_ID.fullmatch(event_id)
    if last is None or this is None:
        return False
    return last[1] == this[1] and int(last[2]) + 1 == int(this[2])
