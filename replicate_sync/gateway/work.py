"""Work for one client: done in a thread, and canceled when the client leaves.

A WSGI server tells of a client that has left only where it is asked, or at the next write. So the
thread that serves the request does nothing but pass on what the work has, and ask.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from flask import request

from ..exceptions import ReplicateError
from ..prediction.prediction import Prediction

_INTERVAL = 0.25  # seconds between two questions whether the client is still there
_Item = TypeVar("_Item")
_log = logging.getLogger("replicate_sync")
_END = object()


class ClientLeft(Exception):
    """The client has closed its connection: nobody waits for the rest."""


class Work:
    """What is done for one client. Its predictions are canceled when the client leaves.

    Args:
        do: Does it, with this object; what it passes to `put` is yielded by `items`.
        has_left: Returns whether the client has closed its connection.
    """

    def __init__(self, do: Callable[[Work], None], has_left: Callable[[], bool]) -> None:
        self._do = do
        self._has_left = has_left
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
        try:
            while True:
                try:
                    item = self._items.get(timeout=_INTERVAL)
                except queue.Empty:
                    if self._has_left():
                        raise ClientLeft from None
                    continue
                if item is _END:
                    self._predictions.clear()
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._leave()

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


def client_has_left() -> Callable[[], bool]:
    """Return what says whether the client of the present request has closed its connection."""
    is_disconnected = request.environ.get("waitress.client_disconnected")
    if is_disconnected is None:
        return lambda: False
    return lambda: bool(is_disconnected())


def result_of(do: Callable[[Work], _Item]) -> _Item:
    """Return the result of work for the present request, or raise what it raised."""
    results = list(Work(lambda work: work.put(do(work)), client_has_left()).items())
    result: _Item = results[0]
    return result
