"""Predictions being run: a thread each, its output, logs and events."""

from __future__ import annotations

import json
import math
import pathlib
import secrets
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from . import files, job_context, stdout_capture, timestamps
from .files import Files
from .models import Model

STARTING, PROCESSING = "starting", "processing"
SUCCEEDED, FAILED, CANCELED, ABORTED = "succeeded", "failed", "canceled", "aborted"
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"

Event = tuple[str, str, str]
"""The name, the id and the data of one event."""


class Job:
    """One prediction. Its attributes may be read at any time; `changed` guards them and tells of changes."""

    def __init__(
        self, model: Model, version: str, given: dict[str, Any], created: datetime, origin: str, kept: Files,
        source: str = "api", lifetime: int | None = None, echo: Mapping[str, Any] | None = None, training: bool = False,
        example: bool = False,
    ) -> None:  # fmt: skip
        self.id = "".join(secrets.choice(_LETTERS) for _ in range(26))
        self.capability = "".join(secrets.choice(_LETTERS) for _ in range(52))
        self.model, self.version, self.input = model, version, given
        self.origin, self.source, self.echo = origin, source, dict(echo or {})
        self.created, self.started, self.completed = created, None, None  # type: datetime, datetime | None, datetime | None
        self.deadline = created + timedelta(seconds=lifetime) if lifetime else None
        self.training, self.example = training, example
        self.status = STARTING
        self.counts = {"output": 0, "logs": 0}  # how many times each of them has changed
        self._logs: list[str] = []
        self._output: Any = None
        self.error: str | None = None
        self.metrics: dict[str, Any] = {}
        self.changed = threading.Condition()
        self._canceling: list[Callable[[], None]] = []
        self._files = kept
        self._events: list[Event] = []
        self._second, self._sequence = 0, 0
        self._timer = threading.Timer(lifetime, self._expire) if lifetime else None

    @property
    def over(self) -> bool:
        """Whether the status is one that stays."""
        return self.status not in (STARTING, PROCESSING)

    @property
    def logs(self) -> str:
        """What has been logged so far."""
        with self.changed:
            self._logs[:] = ["".join(self._logs)]
            return self._logs[0]

    @property
    def output(self) -> Any:
        """The output so far; a list is a copy, which grows no more."""
        with self.changed:
            return list(self._output) if isinstance(self._output, list) else self._output

    def start(self) -> None:
        """Run the model in a thread of its own."""
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        threading.Thread(target=self._take_turn, name=f"prediction-{self.id}", daemon=True).start()

    def wait(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Block until it is over, the seconds have passed, or the server stops."""
        with self.changed:
            self.changed.wait_for(lambda: self.over or stopped(), seconds)

    def cancel(self) -> None:
        """End it as canceled; one that is over stays as it is. The function ends at its next step."""
        self._finish(CANCELED)

    def write_log(self, text: str) -> None:
        """Append text to the logs."""
        with self.changed:
            if not self.over:
                self._logs.append(text)
                self.counts["logs"] += 1
                self.changed.notify_all()

    def measure(self, name: str, value: Any) -> None:
        """Put a value among the metrics."""
        with self.changed:
            self.metrics[name] = value

    def when_canceled(self, call: Callable[[], None]) -> None:
        """Call this, in another thread, when it is canceled; where it is over, at once."""
        with self.changed:
            if not self.over:
                self._canceling.append(call)
                return
        call()

    def position(self, last: str | None) -> int:
        """Give the number of the event after the one with this id; 0 for an unknown one."""
        with self.changed:
            found = (place for place, event in enumerate(self._events, 1) if event[1] == last)
            return next(found, 0)

    def events_from(self, position: int, seconds: float) -> list[Event]:
        """Give the events from this one on; where there is none, wait for one at most so long."""
        with self.changed:
            if len(self._events) <= position:
                self.changed.wait(seconds)
            return self._events[position:]

    def _take_turn(self) -> None:
        with self.model.slot:
            self._run()

    def _run(self) -> None:
        if self.model.boot:
            self.wait(self.model.boot)
        with self.changed:
            if self.over:
                return
            self.status, self.started = PROCESSING, max(timestamps.now(), self.created)
            self.changed.notify_all()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, job_context.inside(self):
            try:
                given = self._arguments(pathlib.Path(folder))
                with stdout_capture.captured():
                    self._take(self.model.function(**given))
            except job_context.Canceled:
                self._finish(CANCELED)
            except job_context.Failed as error:
                self._finish(FAILED, str(error))
            except BaseException as error:  # a model's sys.exit() too, or its prediction would never end
                self.write_log(_end_of(error))
                self._finish(FAILED, str(error) or type(error).__name__)
            else:
                self._finish(SUCCEEDED)

    def _arguments(self, folder: pathlib.Path) -> dict[str, Any]:
        made = self.model.arguments(self.input)
        for name in self.model.file_inputs():
            if isinstance(made.get(name), str):
                made[name] = self._files.fetch(made[name], folder, self.origin)
            elif isinstance(made.get(name), list):
                made[name] = [self._files.fetch(one, folder, self.origin) for one in made[name]]
        return made

    def _take(self, result: Any) -> None:
        if not isinstance(result, Iterator) or files.is_file(result):
            value = self._plain(result)
            with self.changed:
                if not self.over and value is not None:
                    self._output = value
                    self.counts["output"] += 1
                    self.changed.notify_all()
            return
        try:
            for item in result:
                self._append(self._plain(item))
                job_context.check()
        finally:
            close = getattr(result, "close", None)
            if callable(close):
                close()

    def _append(self, item: Any) -> None:
        with self.changed:
            if self.over:
                return
            self._output = self._output or []
            self._output.append(item)
            self.counts["output"] += 1
            self._event("output", _event_data(item))

    def _plain(self, value: Any) -> Any:
        """Give the JSON for what a function made; files are kept, and become their URLs."""
        if value is None or isinstance(value, (str, bool, int)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        found = files.content(value)
        if found:
            return self.origin + self._files.keep(self.id, *found)
        if isinstance(value, Mapping):
            return {str(key): self._plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._plain(one) for one in value]
        return str(value)

    def _expire(self) -> None:
        self._finish(ABORTED if self.status == STARTING else CANCELED)

    def _finish(self, status: str, error: str | None = None) -> None:
        with self.changed:
            if self.over:
                return
            self.completed = max(timestamps.now(), self.created)
            begun = self.started or self.completed
            self.metrics.setdefault("predict_time", (self.completed - begun).total_seconds())
            self.metrics["total_time"] = (self.completed - self.created).total_seconds()
            if status == SUCCEEDED and self._output is None and self.model.streams:
                self._output = []
            self.error = error
            if error is not None:
                self._event("error", json.dumps({"detail": error}, ensure_ascii=False))
            reason = {SUCCEEDED: None, FAILED: "error"}.get(status, "canceled")
            self._event("done", json.dumps({"reason": reason} if reason else {}))
            self.status = status
            self.changed.notify_all()
        if self._timer:
            self._timer.cancel()
        for call in self._canceling if status in (CANCELED, ABORTED) else ():
            call()

    def _event(self, name: str, data: str) -> None:
        second = max(int(time.time()), self._second)
        self._sequence = self._sequence + 1 if second == self._second else 0
        self._second = second
        self._events.append((name, f"{second}:{self._sequence}", data))
        self.changed.notify_all()


class Jobs:
    """Every prediction of a server, in the order of creation."""

    def __init__(self, files: Files | None = None) -> None:
        self.files = files or Files()
        self._jobs: dict[str, Job] = {}
        self._streams: dict[str, Job] = {}
        self._open = True
        self._lock = threading.Lock()

    def create(self, model: Model, version: str, given: dict[str, Any], origin: str, **more: Any) -> Job:
        """Make a job, which its `start` starts; `more` are the further parameters of Job."""
        with self._lock:
            job = Job(model, version, given, timestamps.tick(), origin, self.files, **more)
            self._jobs[job.id] = self._streams[job.capability] = job
            if not self._open:  # a request that came in with the end of the server
                job.cancel()
        return job

    def get(self, id: str) -> Job | None:
        """Give the job of this id, or None."""
        return self._jobs.get(id)

    def of_stream(self, capability: str) -> Job | None:
        """Give the job whose stream this is, or None."""
        return self._streams.get(capability)

    def all(self) -> list[Job]:
        """Give every job, newest first, and no example."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if not job.example]

    def forget(self, version: str) -> None:
        """End and drop every job of a version of a model, with its files."""
        with self._lock:
            gone = [job for job in self._jobs.values() if job.version == version]
            for job in gone:
                del self._jobs[job.id], self._streams[job.capability]
                self.files.drop(job.id)
        for job in gone:
            job.cancel()

    def open(self) -> None:
        """Let jobs run, after a stop."""
        with self._lock:
            self._open = True

    def stop(self) -> None:
        """Cancel what still runs and what is made from now on, and wake whoever waits for it."""
        with self._lock:
            self._open = False
        for job in self.all():
            job.cancel()
            with job.changed:
                job.changed.notify_all()


def _end_of(error: BaseException) -> str:
    """Give the last lines of a traceback, without the steps in this file."""
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)[-3:])


def _event_data(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
