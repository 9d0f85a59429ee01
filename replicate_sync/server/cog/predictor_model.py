"""A Cog predictor as a model: what a prediction waits for, and how it becomes one of Cog's."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import Any

from .. import job_context, models, schemas
from ..models import Model
from ..schemas import Schema
from . import openapi
from .api_client import Busy, CogClient, Lost, Piece, Refused
from .process import CogError, CogProcess, Predictor

_SOON, _LATER = 0.002, 0.2  # seconds until a slot that was taken is tried again
_PREFIX = re.compile(r"((Async )?prediction failed: |generator iteration error: )+", re.IGNORECASE)
_SLOTS = "COG_MAX_CONCURRENCY"  # Cog's own variable


class CogModel:
    """A model that a Cog server runs: a process of this machine for a predictor, or one that runs already, at a URL.

    It is the context that a prediction holds while it runs: there are as many as Cog has slots, and before each one a
    process that has crashed is started again. Raises CogError where there is no predictor, or nobody at the URL.
    """

    def __init__(self, predictor: str | None = None, url: str | None = None) -> None:
        self._process: CogProcess | None = None
        self._client = CogClient(url or "")
        self._failure: CogError | None = None
        self._open = self._suspect = False
        self._mending = threading.Lock()
        slots = _number(os.environ.get(_SLOTS, ""))
        document: Schema | None
        if predictor is not None:
            place = Predictor(predictor)
            told = place.signature()
            document, slots = told["document"], slots or place.slots or told["slots"]
            self._process = CogProcess(place, told["document"], slots)
        elif self._client.health():
            document = self._client.document()
        else:
            raise CogError(f"No Cog server answers at {url}.")
        self.input, self.output = openapi.of_document(document)
        self._free = threading.Semaphore(slots or 1)

    def model(self, name: str) -> Model:
        """Give the model that is called so."""
        function = self.stream if schemas.is_iterator(self.output) else self.call
        version = models.version_of(name, self.input, self.output)
        return Model(name, function, version, None, self.input, self.output, slot=self)

    def open(self) -> None:
        """Start the process, if there is one and it does not run; raises CogError where it does not start."""
        self._open, self._suspect = True, True
        self._mend()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the process."""
        self._open = False
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> None:
        self._free.acquire()
        self._mend()

    def __exit__(self, *exc: object) -> None:
        if self._suspect:  # the one that comes next need not wait for it
            self._mend()
        self._free.release()

    def call(self, **given: Any) -> Any:
        """Run one prediction and give its output."""
        steps = self._steps(given)
        try:
            while True:
                next(steps)
        except StopIteration as end:
            return openapi.received(end.value, self.output)

    def stream(self, **given: Any) -> Iterator[Any]:
        """Run one prediction and yield its output piece by piece."""
        item, count = self.output.get("items", {}), 0
        steps = self._steps(given)
        try:
            while True:
                place, chunk = next(steps)
                if place == count:  # where an event was lost on the way, the rest comes with the end
                    count += 1
                    yield openapi.received(chunk, item)
        except StopIteration as end:
            for chunk in (end.value or [])[count:]:
                yield openapi.received(chunk, item)
        finally:
            for _ in steps:  # canceled: the slot is free when Cog says that it is
                pass

    def _steps(self, given: dict[str, Any]) -> Generator[tuple[int, Any], None, Any]:
        """Yield the place and the value of each piece of output, and return all of it; tell the job what else Cog says."""
        id, logged = uuid.uuid4().hex, False
        job_context.when_canceled(lambda: self._cog.cancel(id))
        try:
            for piece in self._pieces(id, given):
                if piece.kind == "log":
                    logged = True
                    _log(piece.data["data"])
                elif piece.kind == "output":
                    yield piece.data["index"], piece.data["chunk"]
                elif piece.kind == "completed":
                    if not logged:
                        _log(piece.data.get("logs", ""))
                    return self._end(piece.data)
        except Refused as error:
            raise job_context.Failed(str(error)) from None
        except Lost:
            pass
        raise self._lost()

    def _pieces(self, id: str, given: dict[str, Any]) -> Iterator[Piece]:
        """Yield what Cog says of a prediction, once it has taken it."""
        body = {name: openapi.sent(value) for name, value in given.items() if value is not None}
        pause = _SOON
        while True:
            if self._failure is not None:
                raise job_context.Failed(f"The model does not run: {self._failure}")
            try:
                yield from self._cog.predict(id, body)
                return
            except Busy:  # also for a moment after the end of another one, and for good after a crash
                self._suspect = True
                self._mend()
            job_context.check()
            time.sleep(pause)
            pause = min(2 * pause, _LATER)

    def _end(self, told: dict[str, Any]) -> Any:
        for name, value in told.get("metrics", {}).items():
            job_context.metric(name, value)
        status = told.get("status")
        if status == "canceled":
            raise job_context.Canceled
        if status == "succeeded":
            return told.get("output")
        if self._process is not None and not self._process.well():
            raise self._lost()
        raise job_context.Failed(_PREFIX.sub("", str(told.get("error", "")), count=1) or "The prediction failed.")

    @property
    def _cog(self) -> CogClient:
        return self._process.client if self._process else self._client

    def _lost(self) -> job_context.Failed:
        self._suspect = True
        if self._process is None:
            return job_context.Failed(f"The Cog server at {self._client.url} ended the connection before the prediction.")
        return job_context.Failed("The model's process crashed in the middle of the prediction; it is started again.")

    def _mend(self) -> None:
        """Start the process again where it does not run, or does not take predictions any more."""
        process = self._process
        if process is None:
            return
        with self._mending:
            if not self._open or (process.runs() and not (self._suspect and not process.well())):
                self._suspect = False
                return
            process.stop()
            try:
                process.start(lambda: self._open)
                self._failure = None
            except CogError as error:
                self._failure = error
            self._suspect = False


def _log(text: str) -> None:
    with suppress(job_context.Canceled):  # Cog has been told, and says when it is over
        job_context.log(text, end="")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
