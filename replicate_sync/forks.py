"""What another thread must not be in the midst of when the process is forked.

A forked child has one thread, and a copy of each lock as it was. A lock that another thread held
stays locked there for ever, and a module that it was importing stays half imported. So a fork waits
for what is over in a moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib import _bootstrap
from threading import Lock, RLock
from time import monotonic, sleep

#: A lock for a few lines of memory, never held while anything is sent, read or waited for.
brief_lock: RLock = RLock()
#: Held while a file is opened that has locks of its own for the whole process.
opening_lock: Lock = Lock()

# The packages of which modules are imported when they are first needed.
_LATE_PACKAGES = frozenset({"replicate_sync", "sqlite3", "sseclient", "tenacity"})
_LONGEST_IMPORT = 2.0  # seconds

# The names of the modules that threads are importing: CPython has a lock of each until it is done.
# The frames of the threads would tell too, but are not safe to look at: where CPython 3.11 collects
# garbage meanwhile, the threads go on, it reads a frame that has ended, and the process crashes.
_being_imported: Iterable[str] = getattr(_bootstrap, "_module_locks", ())
# Those whose locks a child has from threads of its parent: nobody releases these there.
_never_imported: set[str] = set()


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
    """Return whether a thread is importing a late module."""
    names = set(_being_imported) - _never_imported
    return any(name.partition(".")[0] in _LATE_PACKAGES for name in names)


def _after_in_parent() -> None:
    for calls in _called:
        calls.after_in_parent()
    _release()


def _after_in_child() -> None:
    _never_imported.update(_being_imported)
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
