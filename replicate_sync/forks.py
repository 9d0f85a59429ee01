"""What another thread must not be in the midst of when the process is forked.

A forked child has one thread, and a copy of each lock as it was. A lock that another thread held
stays locked there for ever, and a module that it was importing stays half imported. So a fork waits
for what is over in a moment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import Lock, RLock, get_ident
from time import monotonic, sleep
from types import FrameType

#: A lock for a few lines of memory, never held while anything is sent, read or waited for.
brief_lock: RLock = RLock()
#: Held while a file is opened that has locks of its own for the whole process.
opening_lock: Lock = Lock()

# The packages of which modules are imported when they are first needed.
_LATE_PACKAGES = frozenset({"replicate_sync", "sqlite3", "sseclient", "tenacity"})
_LONGEST_IMPORT = 2.0  # seconds


class ForkCalls:
    """What a module has called at each fork, while both locks above are held.

    Args:
        before: Called before it.
        after_in_parent: Called after it in the process that has forked.
        after_in_child: Called after it in the new one.
    """

    def __init__(
        self,
        before: Callable[[], None],
        after_in_parent: Callable[[], None],
        after_in_child: Callable[[], None],
    ) -> None:
        self.before = before
        self.after_in_parent = after_in_parent
        self.after_in_child = after_in_child


#: Modules add theirs when they are imported.
fork_calls: list[ForkCalls] = []
_called: list[ForkCalls] = []


def _before() -> None:
    brief_lock.acquire()
    opening_lock.acquire()
    _called[:] = fork_calls  # one that is imported from now on can open nothing
    for calls in _called:
        calls.before()
    end = monotonic() + _LONGEST_IMPORT
    while _is_importing() and monotonic() < end:
        sleep(0.001)


def _is_importing() -> bool:
    """Return whether another thread is importing a late module.

    It holds the lock of that before the module can be seen anywhere else than in its frames.
    """
    for thread, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None and thread != get_ident():
            if frame.f_code.co_name == "_find_and_load":
                name = str(frame.f_locals.get("name"))
                if name.partition(".")[0] in _LATE_PACKAGES:
                    return True
            frame = frame.f_back
    return False


def _after_in_parent() -> None:
    for calls in _called:
        calls.after_in_parent()
    _release()


def _after_in_child() -> None:
    for calls in _called:
        calls.after_in_child()
    _release()


def _release() -> None:
    _called.clear()
    opening_lock.release()
    brief_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
