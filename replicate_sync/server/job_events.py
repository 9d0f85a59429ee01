"""The events of a prediction's stream: its output piece by piece, an error, and the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import NamedTuple


class Event(NamedTuple):
    """One event of a prediction's stream.

    Attributes:
        name: "output", "error" or "done".
        id: The second it happened and a number within it, such as "1690212292:0".
        data: Text, or JSON.
    """

    name: str
    id: str
    data: str


class EventLog:
    """All events of one stream, in order. Who adds to it holds the lock of its job.

    Args:
        events: Those that it begins with.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = list(events)
        self._second = 0
        self._number = 0

    def add(self, name: str, data: str) -> None:
        """Add an event, which happens now."""
        second = max(int(time.time()), self._second)
        if second == self._second:
            self._number += 1
        else:
            self._number = 0
        self._second = second
        self._events.append(Event(name, f"{second}:{self._number}", data))

    def add_output(self, piece: object) -> None:
        """Add a piece of the output: text as it is, anything else as JSON."""
        if isinstance(piece, str):
            self.add("output", piece)
        else:
            self.add("output", json.dumps(piece, ensure_ascii=False))

    def remove_output(self) -> None:
        """Remove all but the end."""
        self._events = [event for event in self._events if event.name == "done"]

    def position_after(self, event_id: str | None) -> int:
        """Return the index of the event after the one with this id; 0 for an unknown id."""
        for index, event in enumerate(self._events):
            if event.id == event_id:
                return index + 1
        return 0

    def since(self, position: int) -> list[Event]:
        """Return the events from an index on."""
        return self._events[position:]
