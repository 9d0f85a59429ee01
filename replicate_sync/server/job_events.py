"""The events of a prediction's stream: its output piece by piece, an error, and the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import TypeAlias

Event: TypeAlias = tuple[str, str, str]
"""One event of a prediction's stream: its name, its id, and its data.

The name is "output", "error" or "done". The id is the second it happened and a number within it,
such as "1690212292:0". The data is text, or JSON. It is a tuple and no more, as a server keeps
those of thousands of streams, and the garbage collector passes over a tuple of strings.
"""


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
        second = int(time.time())
        if second > self._second:
            self._second = second
            self._number = 0
        else:
            self._number += 1
        self._events.append((name, f"{self._second}:{self._number}", data))

    def add_output(self, piece: object) -> None:
        """Add a piece of the output: text as it is, anything else as JSON."""
        if isinstance(piece, str):
            self.add("output", piece)
        else:
            self.add("output", json.dumps(piece, ensure_ascii=False))

    def remove_output(self) -> None:
        """Remove all but the end."""
        self._events = [event for event in self._events if event[0] == "done"]

    def position_after(self, event_id: str | None) -> int:
        """Return the index of the event after the one with this id; 0 for an unknown id."""
        for index, (_, id_, _) in enumerate(self._events):
            if id_ == event_id:
                return index + 1
        return 0

    def since(self, position: int) -> list[Event]:
        """Return the events from an index on."""
        return self._events[position:]
