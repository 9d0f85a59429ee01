"""SIGTERM and SIGHUP end a command as Ctrl-C does: what is running is canceled first."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import NoReturn

_NAMES = ("SIGTERM", "SIGHUP")  # the latter is not on Windows


class EndingSignals:
    """Turns these signals into a KeyboardInterrupt, as long as it is entered.

    One that is ignored, as SIGHUP is below `nohup`, or that has another handler, stays as it is.
    After the first, further ones are ignored, so that they do not interrupt the canceling: a
    terminal that is closed may send two.
    """

    def __init__(self) -> None:
        #: The signal that was received; SIGINT where there was none.
        self.received: int = signal.SIGINT
        self._replaced: list[int] = []

    def __enter__(self) -> EndingSignals:
        if threading.current_thread() is threading.main_thread():
            numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
            for number in numbers:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._interrupt)
                    self._replaced.append(number)
        return self

    def __exit__(self, *exception: object) -> None:
        for number in self._replaced:
            signal.signal(number, signal.SIG_DFL)

    def _interrupt(self, number: int, frame: FrameType | None) -> NoReturn:
        self.received = number
        for other in self._replaced:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt
