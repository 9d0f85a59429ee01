"""Canceling what nobody waits for any more, in the little time that there is."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from time import monotonic, sleep

from ..exceptions import NotFoundError, ReplicateError
from .creation import supervised

CANCEL_TIMEOUT = 1.0  # seconds that canceling may take when the caller is leaving
EXIT_TIMEOUT = 1.5  # seconds that all canceling may take when the program ends

_FIRST_PAUSE = 0.05  # seconds before canceling is tried again; then twice that, and so on


def cancel_in_time(cancel: Callable[[float], object], seconds: float) -> ReplicateError | None:
    """Cancel a prediction, again and again after passing failures; return the last failure.

    Args:
        cancel: Sends the request once, within so many seconds.
        seconds: How long all of it may take.

    Returns:
        Why it could not be canceled, or None if it was.
    """
    from ..http.connection_errors import is_retryable

    end = monotonic() + seconds
    pause = _FIRST_PAUSE
    while True:
        try:
            cancel(max(end - monotonic(), _FIRST_PAUSE))
            return None
        except ReplicateError as error:
            may_pass = is_retryable(error) or isinstance(error, NotFoundError)
            if not may_pass or monotonic() + pause >= end:
                return error
        sleep(pause)
        pause *= 2


@atexit.register
def _abandon_all() -> None:
    end = monotonic() + EXIT_TIMEOUT
    for creation in list(supervised.values()):
        if monotonic() < end and creation.prediction is not None:
            creation.prediction.abandon(min(CANCEL_TIMEOUT, end - monotonic()))
