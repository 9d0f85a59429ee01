"""What the logs of a model tell: how far it is, and how they end."""

from __future__ import annotations

import re
from typing import NamedTuple

_BAR = re.compile(r"^\s*(?:[^|\n]*?:)?\s*(\d+)%\s*\|[^|]*\|\s*(\d+)/(\d+)")


class Progress(NamedTuple):
    """`current` of `total` steps; `percentage` from 0 to 100."""

    percentage: int
    current: int
    total: int

    @classmethod
    def of(cls, logs: str) -> Progress | None:
        """Read the last line that tqdm wrote, also where the lines overwrite each other; None where there is none."""
        for line in reversed(re.split(r"[\r\n]+", logs)):
            if found := _BAR.match(line):
                return cls(*map(int, found.groups()))
        return None


def end_of(logs: str, most: int) -> str:
    """Give the last lines of logs, as a terminal would show them: of a bar that was drawn over and over, its last state."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in logs.strip("\n").split("\n")]
    return "\n".join(lines[-most:])
