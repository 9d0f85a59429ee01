"""A Cog predictor as a model of the server: each prediction of the model is one of Cog's."""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import NamedTuple

from .. import job_context, models, schemas
from ..json_types import JSONObject
from ..models import Model, Trainer
from ..schemas import Schema
from .api_client import CogClient, CogEvent, ConnectionLost, InputRefused, WorkerBusy
from .conversion import parse_document, parse_output, raise_for_urls, serialize_input
from .predictor import CogError, Predictor
from .process import CogProcess

CANCEL_TIMEOUT = 5.0
"""How many seconds a canceled prediction may go on before its process is started again."""
_FIRST_DELAY = 0.002  # seconds before a busy worker is tried again
_MAX_DELAY = 0.2  # seconds
_ERROR_PREFIX = re.compile(
    r"((Async )?prediction failed: |generator iteration error: )+", re.IGNORECASE
)
_SLOTS_VARIABLE = "COG_MAX_CONCURRENCY"  # Cog's own


class OutputPiece(NamedTuple):
    """One piece of a streamed output.

    Attributes:
        number: Which piece it is, from 0.
        chunk: The piece, a JSON value.
    """

    number: int
    chunk: object


class CogModel:
    """A model that a Cog server runs: a process of this machine, or one that runs already.

    It is the slot that a prediction holds while it runs: there are as many as Cog has, and before
    each prediction a process that has crashed is started again.

    Args:
        predictor: The predictor to start a process for.
        url: Instead of a predictor, the URL of a Cog server that runs already.
        with_trainer: Whether what trains the model by its cog.yaml is served as well.

    Raises:
        CogError: There is no predictor, or no server at the URL.
    """

    def __init__(
        self,
        predictor: str | None = None,
        url: str | None = None,
        with_trainer: bool = True,
    ) -> None:
        self._process: CogProcess | None = None
        self._front = CogClient(url or "")
        self._failure: CogError | None = None
        self._is_open = False
        self._suspect = False  # whether the process may have crashed
        self._restart_lock = threading.Lock()
        slots = _parse_count(os.environ.get(_SLOTS_VARIABLE, ""))
        self._trainer: CogModel | None = None
        document: Schema | None
        if predictor is not None:
            located = Predictor(predictor)
            signature = located.signature()
            document = signature["document"]
            slots = slots or located.slots or signature["slots"]
            self._process = CogProcess(located, document, slots)
            if with_trainer and located.trainer is not None:
                trainer = str(located.folder / located.trainer)
                self._trainer = CogModel(trainer, with_trainer=False)
        elif self._front.health():
            document = self._front.document()
        else:
            raise CogError(f"No Cog server responds at {url}.")
        self._input, self._output = parse_document(document)
        self._file_inputs = models.file_inputs(self._input)
        self._slots = slots or 1
        self._free = threading.Semaphore(self._slots)

    def model(self, name: str) -> Model:
        """Return the model.

        Args:
            name: `owner/name`.
        """
        function = self._stream if schemas.is_iterator(self._output) else self._call
        trainer: Trainer | None = None
        if self._trainer is not None:
            trained = self._trainer
            input = trained._input | {"title": "TrainingInput"}
            trainer = Trainer(trained._call, input, trained)
        return Model(
            name=name,
            function=function,
            version=models.derive_version(name, self._input, self._output),
            description=None,
            input=self._input,
            output=self._output,
            trainer=trainer,
            slot=self,
            problem=self.problem,
        )

    def problem(self) -> str:
        """Return why it does not run, with the end of what it wrote; "" where it does."""
        failure = self._failure
        if failure is None:
            return ""
        return f"{failure}\n\n{failure.output}".strip()

    @property
    def url(self) -> str:
        """Where the Cog server listens; another URL after each start of a process."""
        return self._client.url

    def is_healthy(self) -> bool:
        """Return whether the Cog server accepts predictions, now or later."""
        if self._process is None:
            return bool(self._front.health())
        return self._process.is_healthy()

    def open(self) -> None:
        """Start the process, if there is one and it does not run.

        Raises:
            CogError: It does not start.
        """
        if self._trainer is not None:  # its process is started by the first training
            self._trainer._is_open = True
            self._trainer._suspect = True
        self._is_open = True
        self._suspect = True
        self._restart_if_needed()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the process."""
        if self._trainer is not None:
            self._trainer.close()
        self._is_open = False
        if self._process is not None:
            self._process.stop()

    def drain(self, seconds: float) -> None:
        """Wait until nothing runs, at most for these seconds."""
        deadline = time.monotonic() + seconds
        for _ in range(self._slots):
            self._free.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> None:
        self._free.acquire()
        self._restart_if_needed()

    def __exit__(self, *exc: object) -> None:
        if self._suspect:  # then the next prediction need not wait for the restart
            self._restart_if_needed()
        self._free.release()

    @property
    def _client(self) -> CogClient:
        if self._process is None:
            return self._front
        return self._process.client

    def _call(self, **input: object) -> object:
        """Run one prediction and return its output."""
        pieces = self._run(input)
        try:
            while True:
                next(pieces)
        except StopIteration as end:
            return parse_output(end.value, self._output)

    def _stream(self, **input: object) -> Iterator[object]:
        """Run one prediction and yield its output piece by piece."""
        item = self._output.get("items", {})
        count = 0
        pieces = self._run(input)
        try:
            while True:
                piece = next(pieces)
                if piece.number == count:  # after an event that was lost, the rest comes at the end
                    count += 1
                    yield parse_output(piece.chunk, item)
        except StopIteration as end:
            for chunk in (end.value or [])[count:]:
                yield parse_output(chunk, item)
        finally:
            for _ in pieces:  # canceled: the slot is free after Cog's last event
                pass

    def _run(self, input: JSONObject) -> Generator[OutputPiece, None, list[object] | None]:
        """Yield each piece of output, and return all of it; log and measure the rest."""
        id = uuid.uuid4().hex
        logged = False
        ended = threading.Event()
        job_context.on_cancel(lambda: self._cancel(id, ended))
        try:
            for event in self._events(id, input):
                if event.kind == "log":
                    logged = True
                    _log(event.data["data"])
                elif event.kind == "output":
                    yield OutputPiece(event.data["index"], event.data["chunk"])
                elif event.kind == "completed":
                    if not logged:
                        _log(event.data.get("logs", ""))
                    return self._result(event.data)
        except InputRefused as error:
            raise job_context.Failed(str(error)) from None
        except ConnectionLost:
            pass
        finally:
            ended.set()
        raise self._lost()

    def _cancel(self, id: str, ended: threading.Event) -> None:
        self._client.cancel(id)
        if self._process is not None and self._slots == 1:
            name = f"cog-cancel-{id}"
            stop = threading.Thread(target=self._stop_unless, args=(ended,), name=name, daemon=True)
            stop.start()

    def _stop_unless(self, ended: threading.Event) -> None:
        """End the process where a canceled prediction goes on, as it holds up all others.

        Cog cannot end one that waits in C. Where there are several slots it holds up none, and
        they would end with the process.
        """
        if ended.wait(CANCEL_TIMEOUT):
            return
        with self._restart_lock:  # the slot is held until it has ended, so it is not another one
            if self._process is not None and not ended.is_set():
                self._process.stop()

    def _events(self, id: str, input: JSONObject) -> Iterator[CogEvent]:
        """Yield the events of a prediction, once Cog has accepted it."""
        raise_for_urls(input, self._file_inputs)
        body = {name: serialize_input(value) for name, value in input.items() if value is not None}
        delay = _FIRST_DELAY
        while True:
            if self._failure is not None:
                raise job_context.Failed(f"The model does not run: {self._failure}")
            try:
                yield from self._client.predict(id, body)
                return
            except WorkerBusy:  # also for a moment after another prediction, and after a crash
                self._suspect = True
                self._restart_if_needed()
            job_context.raise_if_canceled()
            time.sleep(delay)
            delay = min(2 * delay, _MAX_DELAY)

    def _result(self, prediction: JSONObject) -> list[object] | None:
        """Return the output of a prediction that is over, or raise its error."""
        for name, value in prediction.get("metrics", {}).items():
            job_context.metric(name, value)
        status = prediction.get("status")
        if status == "canceled":
            raise job_context.Canceled
        if status == "succeeded":
            output: list[object] | None = prediction.get("output")
            return output
        if self._process is not None and not self._process.is_healthy():
            raise self._lost()
        error = _ERROR_PREFIX.sub("", str(prediction.get("error", "")), count=1)
        raise job_context.Failed(error or "The prediction failed.")

    def _lost(self) -> job_context.Failed:
        self._suspect = True
        if self._process is None:
            return job_context.Failed(
                f"The Cog server at {self._front.url} ended the connection before the prediction."
            )
        return job_context.Failed(
            "The model's process crashed in the middle of the prediction; it is started again."
        )

    def _restart_if_needed(self) -> None:
        """Start the process again where it does not run, or accepts no predictions any more."""
        process = self._process
        if process is None:
            return
        with self._restart_lock:
            if self._is_open and not self._is_trusted(process):
                process.stop()
                try:
                    process.start(lambda: self._is_open)
                    self._failure = None
                except CogError as error:
                    self._failure = error
            self._suspect = False

    def _is_trusted(self, process: CogProcess) -> bool:
        if self._suspect:
            return process.is_healthy()
        return process.is_running()


def _log(text: str) -> None:
    with suppress(job_context.Canceled):  # Cog knows, and its last event is still to come
        job_context.log(text, end="")


def _parse_count(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    return 0
