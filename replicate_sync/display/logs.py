"""What the logs of a model say: how far it is, and how they end."""

from __future__ import annotations

import re
from typing import NamedTuple

# Compiled when they are first needed.
_LINE_BREAKS = r"[\r\n]+"
_TQDM_LINE = r"^\s*(?:[^|\n]*?:)?\s*(\d{1,9})%\s*\|[^|]*\|\s*(\d{1,18})/(\d{1,18})(?!\d)"


class Progress(NamedTuple):
    """How far a model is, by the last progress bar in its logs."""

    #: From 0 to 100.
    percentage: int
    #: The steps that are done.
    current: int
    #: The steps in all.
    total: int

    @classmethod
    def parse(cls, logs: str) -> Progress | None:
        """Return the progress by the last line that tqdm wrote.

        Args:
            logs: The logs of a model. Lines may overwrite each other, as on a terminal.

        Returns:
            The progress, or None if there is no such line.
        """
        for line in reversed(re.split(_LINE_BREAKS, logs)):
            match = re.match(_TQDM_LINE, line)
            if match:
                percentage, current, total = match.groups()
                return cls(int(percentage), int(current), int(total))
        return None


def last_lines(logs: str, count: int) -> str:
    """Return the last lines of logs as a terminal would show them.

    Args:
        logs: The logs of a model.
        count: The number of lines, at least 1.

    Returns:
        The lines; of a progress bar that was drawn over and over, only its last state.
    """
    lines = logs.strip("\n").split("\n")
    visible_lines = [line.rstrip("\r").rpartition("\r")[2] for line in lines]
    return "\n".join(visible_lines[-count:])
