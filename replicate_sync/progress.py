"""How far a model is, by the progress bar in its logs."""

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
