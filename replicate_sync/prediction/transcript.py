"""The text of a stream so far, and what of the next piece is new.

An event stream may break and be opened again; what arrives then may go on where it broke, or start
from the beginning. A `Transcript` sees only values (data, event ids, the prediction's output), and
never a socket. It returns each character once: what it has returned is at any time a prefix of what
the model wrote.

An example: the model writes "one two three" in the pieces "one ", "two " and "three", with the ids
1, 2 and 3, and the connection breaks after the second piece.

    transcript = Transcript()
    transcript.reconnect()
    transcript.add_event("one ", "1")    # returns "one ", which ends at 4
    transcript.add_event("two ", "2")    # returns "two ", which ends at 8
    transcript.reconnect()               # the stream goes on at 8 (behind id 2), or at 0

    A server that resumes sends "three": no text stands at 8 yet, and at 0 stands "one t", which is
    not "three". Only the position 8 is left, so "three" is new and returned.

    A server that starts again sends "one " under its id 1, which is known to end at 4: the piece is
    a repetition, the position is 4, and "" is returned. So it goes with "two ", and then "three"
    begins at 8, where the text ends, and is returned.

    A server that starts again under other ids sends "one ": at 8 it would be new, at 0 it is a
    repetition. Both are possible, so the piece is pending and "" is returned, until a later piece
    fits only one of them, or the prediction's output decides.
"""

from __future__ import annotations

import json


class Transcript:
    """The text so far; `add_event` and `add_output` return the part of a piece that is new."""

    def __init__(self) -> None:
        #: The id of the last event that has its position.
        self.last_id: str = ""
        #: How many characters there are.
        self.length: int = 0
        #: Whether all text came in one unbroken stream, so that its end needs no confirmation.
        self.is_unbroken: bool = True
        #: Whether each piece got its position from its id, or from the one unbroken stream.
        self.is_certain: bool = True
        #: Whether a piece fits no position; then only the prediction's output has the rest.
        self.is_lost: bool = False
        self._parts: list[str] = []
        # The position behind each id; for an id that has several possible ones, all of them.
        self._position_after: dict[str, int] = {}
        self._possible_positions_after: dict[str, list[int]] = {}
        # Where the next piece may begin; None stands for the end of the text.
        self._positions: list[int] | None = None
        self._pending: list[str] = []
        self._resumed_at = 0

    @property
    def text(self) -> str:
        """All the text so far."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    @property
    def has_pending(self) -> bool:
        """Whether pieces have arrived that are either new or a repetition, and it is open which."""
        return bool(self._pending)

    def reconnect(self) -> None:
        """Note that the stream is being opened, with `last_id` as its last event id."""
        self._pending = []
        if not self._position_after and not self.length:
            return
        self.is_unbroken = False
        if self.last_id:
            resumed = self._positions_after(self.last_id)
        else:
            resumed = []
        self.is_certain &= bool(resumed)
        if resumed:
            self._resumed_at = resumed[0]
        else:
            self._resumed_at = 0
        self._positions = list(dict.fromkeys([*resumed, 0]))

    def add_event(self, data: str, event_id: str, *, has_own_id: bool = True) -> str:
        """Return what is new in the data of an output event.

        Args:
            data: The event's data.
            event_id: The last event id as of this event.
            has_own_id: Whether the id came with this event, and not with an earlier one.
        """
        is_new_id = has_own_id and event_id and event_id not in self._position_after
        if self._positions is None and is_new_id:
            # The next piece of a stream that never broke, as most are.
            self._parts.append(data)
            self.length += len(data)
            self._position_after[event_id] = self.length
            self.last_id = event_id
            return data
        if has_own_id and self._is_repetition(data, event_id):
            self._pending = []
            self._positions = [self._position_after[event_id]]
            return ""
        new = data
        if self._positions is None:
            self._append(data)
        elif data:
            new = self._match(data, self._positions)
        if not self.is_lost and not self._pending:
            if not self._positions_after(event_id):
                self._record_position(event_id)
            self.last_id = event_id
        return new

    def add_output(self, output: str, *, is_final: bool) -> str | None:
        """Return what is new in the prediction's output so far.

        Args:
            output: The output as text.
            is_final: Whether the prediction has ended.

        Returns:
            The new text; None where a final output contradicts the text so far.
        """
        self._pending = []
        text = self.text
        if not output.startswith(text) and "\r" in output:
            output = output.replace("\r\n", "\n")  # an event stream cannot carry a carriage return
        if output.startswith(text):
            new = output[len(text) :]
            self._append(new)
            return new
        if is_final:
            return None
        return ""

    def _append(self, data: str) -> None:
        self._parts.append(data)
        self.length += len(data)

    def _positions_after(self, event_id: str) -> list[int]:
        if event_id in self._position_after:
            return [self._position_after[event_id]]
        return self._possible_positions_after.get(event_id, [])

    def _record_position(self, event_id: str) -> None:
        if self._positions is None:
            positions = [self.length]
        else:
            positions = self._positions
        if len(positions) == 1:
            self._position_after[event_id] = positions[0]
        else:
            self._possible_positions_after[event_id] = list(positions)

    def _is_repetition(self, data: str, event_id: str) -> bool:
        if event_id:
            end = self._position_after.get(event_id)
        else:
            end = None
        return end is not None and self.text.endswith(data, 0, end)

    def _match(self, data: str, positions: list[int]) -> str:
        """Return what is new in a piece that may begin at any of these positions.

        While more than one position fits, it is pending.
        """
        text = self.text
        self._pending = [*self._pending, data]
        remaining = [
            position + len(data)
            for position in positions
            if data.startswith(text[position : position + len(data)])
        ]
        self._positions = remaining
        if len(remaining) > 1:
            return ""
        if not remaining:
            self.is_lost = True
            self._pending = []
            return ""
        pending = "".join(self._pending)
        self._pending = []
        end = remaining[0]
        self.is_certain &= end - len(pending) == self._resumed_at
        new_length = max(0, end - len(text))
        new = pending[max(0, len(pending) - new_length) :]
        self._append(new)
        if end >= self.length:
            self._positions = None
        return new


def text_of_output(output: object) -> str | None:
    """Return an output as its event stream has it; None where there is no output.

    The items of a list are joined; anything but a string is written as JSON.
    """
    if output is None or isinstance(output, str):
        return output
    if isinstance(output, list):
        return "".join(item if isinstance(item, str) else json.dumps(item) for item in output)
    return json.dumps(output)
