"""Work for one client: done in a thread, and canceled when the client leaves.

A WSGI server tells of a client that has left only where it is asked, or at the next write. So the
thread that serves the request does nothing but pass on what the work has, and ask.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import current_app, request

from ..exceptions import ReplicateError
from ..prediction.prediction import Prediction

OPEN_WORK = "replicate_sync.open_work"  # its name among the extensions of the application
_INTERVAL = 0.25  # seconds between two questions whether the client is still there
_Item = TypeVar("_Item")
_log = logging.getLogger("replicate_sync")
_END = object()


class ClientLeft(Exception):
    """The client has closed its connection: nobody waits for the rest."""


class OpenWork:
    """The work that is being done now, which ends when the gateway does."""

    def __init__(self) -> None:
        #: Whether the gateway ends.
        self.is_ending: bool = False
        self._count = 0
        self._changed = threading.Condition()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note that work is being done; a context manager."""
        with self._changed:
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Let all work end, as if its clients had left, and wait for it at most for `seconds`."""
        self.is_ending = True
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)


class Work:
    """What is done for one client. Its predictions are canceled when the client leaves.

    Args:
        do: Does it, with this object; what it passes to `put` is yielded by `items`.
        has_left: Returns whether the client has closed its connection.
        open_work: Takes note of it.
    """

    def __init__(
        self, do: Callable[[Work], None], has_left: Callable[[], bool], open_work: OpenWork
    ) -> None:
        self._do = do
        self._has_left = has_left
        self._open = open_work
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._predictions: list[Prediction] = []
        self._is_left = False
        self._lock = threading.Lock()

    def begin(self, prediction: Prediction) -> None:
        """Note a prediction that has been created.

        Raises:
            ClientLeft: The client has left; the prediction has been canceled.
        """
        with self._lock:
            self._predictions.append(prediction)
            is_left = self._is_left
        if is_left:
            _cancel(prediction)
            raise ClientLeft

    def put(self, item: object) -> None:
        """Pass something on.

        Raises:
            ClientLeft: The client has left.
        """
        if self._is_left:
            raise ClientLeft
        self._items.put(item)

    def items(self) -> Generator[Any, None, None]:
        """Start, and yield what is passed on; closing the generator cancels the predictions.

        Raises:
            ClientLeft: The client has left.
            Exception: What the work raised.
        """
        threading.Thread(target=self._run, name="gateway-work", daemon=True).start()
        with self._open.noted():
            try:
                yield from self._arriving()
            finally:
                self._leave()

    def _arriving(self) -> Iterator[Any]:
        while True:
            try:
                item = self._items.get(timeout=_INTERVAL)
            except queue.Empty:
                item = None
            if item is _END:
                self._predictions.clear()
                return
            if isinstance(item, BaseException):
                raise item
            if self._open.is_ending or (item is None and self._has_left()):
                raise ClientLeft
            if item is not None:
                yield item

    def _run(self) -> None:
        try:
            self._do(self)
        except ClientLeft:
            pass
        except BaseException as error:  # raised in the thread that serves the request
            self._items.put(error)
        finally:
            self._items.put(_END)

    def _leave(self) -> None:
        with self._lock:
            self._is_left = True
            predictions = list(self._predictions)
        for prediction in predictions:
            _cancel(prediction)


def _cancel(prediction: Prediction) -> None:
    try:
        prediction.cancel()  # one that has ended stays as it is
    except ReplicateError as error:
        _log.warning("prediction %s may still be running: %s", prediction.id, error)


def work_for_client(do: Callable[[Work], None]) -> Work:
    """Return work for the client of the present request."""
    has_left = request.environ.get("waitress.client_disconnected", lambda: False)
    return Work(do, has_left, current_app.extensions[OPEN_WORK])


def result_of(do: Callable[[Work], _Item]) -> _Item:
    """Return the result of work for the present request, or raise what it raised."""
    results = list(work_for_client(lambda work: work.put(do(work))).items())
    result: _Item = results[0]
    return result
