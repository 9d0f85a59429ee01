"""What a stream has told so far, and what of the next piece is new.

An event stream may break and be opened again; what comes then may continue where it broke, or tell everything from the
start. A `Transcript` sees only values (data, ids, the prediction's output), never a socket, and gives out each character
once: what it has given is at any time a prefix of what the model wrote.
"""

from __future__ import annotations

import json
from typing import Any


class Transcript:
    """The text told so far; `hear` and `read` give the part of a piece that is new."""

    def __init__(self) -> None:
        self.last_id = ""
        self.length = 0
        #: Whether all text came in one unbroken stream, so that its end needs no second opinion.
        self.unbroken = True
        #: Whether every piece had its place by its id, or in the one unbroken stream.
        self.certain = True
        #: Whether what arrives fits nowhere in what was told; then only the output itself can tell more.
        self.lost = False
        self._parts: list[str] = []
        self._ends: dict[str, int] = {}  # where the text behind an id begins
        self._unsure: dict[str, list[int]] = {}  # where it may begin, behind an id of which that is not known
        self._places: list[int] | None = None  # where the connection may stand; None: at the end of the text
        self._held: list[str] = []
        self._resumed = 0  # where the connection stands if it was resumed

    @property
    def text(self) -> str:
        """All the text told so far."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    @property
    def undecided(self) -> bool:
        """Whether text was heard that is either new or a repetition, and nothing told which yet."""
        return bool(self._held)

    def reconnect(self) -> None:
        """Say that the stream is being opened again, with `last_id` as the last event id."""
        self._held = []
        if self._ends or self.length:
            self.unbroken = False
            resumed = self._after(self.last_id) if self.last_id else []
            self.certain &= bool(resumed)
            self._resumed = resumed[0] if resumed else 0
            self._places = list(dict.fromkeys([*resumed, 0]))

    def hear(self, data: str, event_id: str, *, own: bool = True) -> str:
        """Give what is new in an event's data. `own`: whether the id is this event's, not that of an earlier one."""
        if self._places is None and own and event_id and event_id not in self._ends:
            self._parts.append(data)  # the next piece of a stream that never broke, as most are
            self.length += len(data)
            self._ends[event_id] = self.length
            self.last_id = event_id
            return data
        if own and self._seen(data, event_id):
            self._held, self._places = [], [self._ends[event_id]]
            return ""
        if self._places is None:
            self._tell(data)
        elif data:
            data = self._placed(data)
        if not self.lost and not self._held:
            if not self._after(event_id):
                self._note(event_id)
            self.last_id = event_id
        return data

    def read(self, truth: str, *, final: bool) -> str | None:
        """Give what is new in the prediction's output so far, or None where a final output contradicts what was told."""
        self._held = []
        told = self.text
        if not truth.startswith(told) and "\r" in truth:
            truth = truth.replace("\r\n", "\n")  # an event stream cannot carry a carriage return
        if truth.startswith(told):
            self._tell(truth[len(told) :])
            return truth[len(told) :]
        return None if final else ""

    def _tell(self, data: str) -> None:
        self._parts.append(data)
        self.length += len(data)

    def _after(self, event_id: str) -> list[int]:
        return [self._ends[event_id]] if event_id in self._ends else self._unsure.get(event_id, [])

    def _note(self, event_id: str) -> None:
        places = [self.length] if self._places is None else self._places
        if len(places) == 1:
            self._ends[event_id] = places[0]
        else:
            self._unsure[event_id] = list(places)

    def _seen(self, data: str, event_id: str) -> bool:
        end = self._ends.get(event_id) if event_id else None
        return end is not None and self.text.endswith(data, 0, end)

    def _placed(self, data: str) -> str:
        """Hold the data back while two places fit it; once one is left, tell what goes beyond the text."""
        text, self._held = self.text, [*self._held, data]
        assert self._places is not None
        self._places = [place + len(data) for place in self._places if data.startswith(text[place : place + len(data)])]
        if len(self._places) > 1:
            return ""
        if not self._places:
            self.lost, self._held = True, []
            return ""
        held = "".join(self._held)
        self.certain &= self._places[0] - len(held) == self._resumed
        new = held[max(0, len(held) - max(0, self._places[0] - len(text))) :]
        self._held = []
        self._tell(new)
        if self._places[0] >= self.length:
            self._places = None
        return new


def as_text(output: Any) -> str | None:
    """Write an output as the stream would have told it: pieces joined, anything else as JSON; None where there is none."""
    if output is None or isinstance(output, str):
        return output
    if isinstance(output, list):
        return "".join(item if isinstance(item, str) else json.dumps(item) for item in output)
    return json.dumps(output)
