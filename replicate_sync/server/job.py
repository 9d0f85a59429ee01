"""One prediction or training: its state, its events, and the thread that runs it."""

from __future__ import annotations

import json
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

from . import job_context, job_values, stdout_capture, timestamps
from .files import Files, is_open_file
from .input_files import InputFiles
from .job_events import Event, EventLog
from .job_ids import new_job_ids
from .job_spec import JobSpec
from .json_types import JSONObject
from .models import Model
from .worker_threads import WorkerThreads

STARTING = "starting"
PROCESSING = "processing"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELED = "canceled"
ABORTED = "aborted"
_TIMES = ("created_at", "started_at", "completed_at", "deadline")
_DONE_DATA = {SUCCEEDED: "{}", FAILED: '{"reason": "error"}'}  # of the last event
_NO_FOLDER = nullcontext("")
_CANCELED_DATA = '{"reason": "canceled"}'


class Job:
    """One prediction or training.

    Args:
        spec: What it is created from.
        created_at: When it was created.
        files: Where its files are kept.
        input_files: Where the files of its input come from.
        ended: Called with it when it is over.
        threads: Where it runs.

    Attributes:
        changed: Guards the state, and is notified of every change; reading needs no lock.
        status: One of the six statuses.
        error: Why it failed, or None.
        metrics: Times in seconds, and what the model measured.
        counts: How often "output" and "logs" have changed.
        data_removed: Whether its input, its logs and its output were removed.
        size: About how many bytes its input, its logs and its output have, with the files.
    """

    def __init__(
        self,
        spec: JobSpec,
        created_at: datetime,
        files: Files,
        input_files: InputFiles,
        ended: Callable[[Job], None],
        threads: WorkerThreads,
    ) -> None:
        self.spec = spec
        ids = new_job_ids()
        self.id: str = ids.id
        self.stream_key: str = ids.stream_key
        self.model: Model = spec.model
        self.input: JSONObject = spec.input
        self.created_at = created_at
        self.started_at: datetime | None = None
        self.completed_at: datetime | None = None
        self.deadline: datetime | None = None
        self.status: str = STARTING
        self.error: str | None = None
        self.metrics: JSONObject = {}
        self.counts: dict[str, int] = {"output": 0, "logs": 0}
        self._lock = threading.RLock()  # that of `changed`: to hold it itself is quicker
        self.changed: threading.Condition = threading.Condition(self._lock)
        self.data_removed: bool = False
        self.size: int = job_values.size_of(spec.input)
        self._files = files
        self._input_files = input_files
        self._ended = ended
        self._threads = threads
        self._logs: list[str] = []
        self._output: object = None
        self._pieces: list[object] = []
        self._events = EventLog()
        self._waits: list[threading.Lock] = []  # each is released at the end
        self._cancel_callbacks: list[Callable[[], None]] = []
        self._timer: threading.Timer | None = None
        if spec.lifetime:
            self.deadline = created_at + timedelta(seconds=spec.lifetime)
            self._timer = threading.Timer(spec.lifetime, self._expire)
            self._timer.daemon = True

    @property
    def over(self) -> bool:
        """Whether the status is a terminal one."""
        return self.status not in (STARTING, PROCESSING)

    @property
    def logs(self) -> str:
        """What has been logged so far."""
        with self._lock:
            self._logs[:] = ["".join(self._logs)]
            return self._logs[0]

    @property
    def output(self) -> object:
        """The output so far, a JSON value; that of a stream is a copy, which grows no more."""
        with self._lock:
            return list(self._output) if isinstance(self._output, list) else self._output

    @property
    def redacted_input(self) -> JSONObject:
        """The input without the values of its secrets."""
        return self.model.redact(self.input)

    def start(self) -> None:
        """Run the model in a thread of its own."""
        if self._timer is not None:
            self._timer.start()
        self._threads.run(self._run, f"prediction-{self.id}")

    def wait(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> None:
        """Block until it is over, at most for these seconds.

        Args:
            seconds: How long to wait.
            stopped: Returns whether to wait no more; called when `wake` is.
        """
        # Not for `changed`, which would wake this thread, and so hold up the model, at each change.
        end = threading.Lock()
        with self._lock:
            if self.over or stopped():
                return
            end.acquire()
            self._waits.append(end)
        if not end.acquire(timeout=seconds):
            with self._lock:
                if end in self._waits:
                    self._waits.remove(end)

    def wake(self) -> None:
        """Wake every thread that waits for a change, or for the end."""
        with self._lock:
            self.changed.notify_all()
            while self._waits:
                self._waits.pop().release()

    def cancel(self) -> None:
        """Cancel it; the function ends at its next step. One that is over stays as it is."""
        self._finish(CANCELED)

    def remove_data(self) -> None:
        """Remove input, logs and output of a job that is over, as Replicate does after an hour."""
        with self._lock:
            self.data_removed = True
            self.input = {}
            self._output = None
            self._pieces = []
            self._logs.clear()
            self._events.remove_output()
            self.size = 0

    def snapshot(self) -> JSONObject:
        """Return its state, from which `restore` makes an equal job."""
        with self._lock:
            return {
                "id": self.id,
                "stream_key": self.stream_key,
                "input": self.redacted_input,
                "status": self.status,
                "error": self.error,
                "metrics": dict(self.metrics),
                "logs": self.logs,
                "output": self._output,
                "events": self._events.since(0),
                "data_removed": self.data_removed,
                "size": self.size,
                **{name: timestamps.serialize(getattr(self, name)) for name in _TIMES},
            }

    def restore(self, snapshot: JSONObject) -> None:
        """Take over the state of a job that ran before a restart of the server.

        Where it was not over, it has failed now.
        """
        for name in ("id", "stream_key", "input", "error", "metrics", "data_removed", "size"):
            setattr(self, name, snapshot[name])
        for name in _TIMES:
            text = snapshot[name]
            setattr(self, name, timestamps.parse(text) if text else None)
        self._logs = [snapshot["logs"]]
        self._output = snapshot["output"]
        self._events = EventLog((name, id_, data) for name, id_, data in snapshot["events"])
        self.status = snapshot["status"]
        if not self.over:
            self._finish(FAILED, "The local server ended before the prediction did.")

    def add_log(self, text: str) -> None:
        """Append text to the logs."""
        with self._lock:
            if not self.over:
                self._logs.append(text)
                self.size += len(text)
                self.counts["logs"] += 1
                self.changed.notify_all()

    def set_metric(self, name: str, value: object) -> None:
        """Set one of the metrics."""
        serialized = job_values.serialize_output(value, self._keep_file)
        with self._lock:
            self.metrics[name] = serialized

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call a function, in another thread, when it is canceled, or now where it is over."""
        with self._lock:
            if not self.over:
                self._cancel_callbacks.append(callback)
                return
        callback()

    def position_after(self, event_id: str | None) -> int:
        """Return the index of the event after the one with this id; 0 for an unknown id."""
        with self._lock:
            return self._events.position_after(event_id)

    def events_from(self, position: int, seconds: float) -> list[Event]:
        """Return the events from an index on, waiting for one where there is none yet.

        Args:
            position: The index of the first event.
            seconds: How long to wait at most.
        """
        with self._lock:
            events = self._events.since(position)
            if not events and seconds > 0:
                self.changed.wait(seconds)
                events = self._events.since(position)
            return events

    def _run(self) -> None:
        with self.model.slot:
            if self.model.boot:
                self.wait(self.model.boot)
            with self._lock:
                if self.over:
                    return
                self.status = PROCESSING
                self.started_at = max(timestamps.now(), self.created_at)
                self.changed.notify_all()
            self._call_model()

    def _call_model(self) -> None:
        with job_context.activate(self):
            try:
                with stdout_capture.capture(), self._input_folder() as folder:
                    self._take_result(self.model.function(**self._arguments(folder)))
            except job_context.Canceled:
                self._finish(CANCELED)
            except job_context.Failed as error:
                self._finish(FAILED, str(error))
            except BaseException as error:  # also sys.exit(), or the prediction would never end
                self.add_log(_last_lines(error))
                self._finish(FAILED, str(error) or type(error).__name__)
            else:
                self._finish(SUCCEEDED)

    def _input_folder(self) -> AbstractContextManager[str]:
        """Return the folder for the files of the input, which stays as long as its context."""
        if self.model.file_inputs():
            return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        return _NO_FOLDER

    def _arguments(self, folder: str) -> JSONObject:
        return job_values.build_arguments(
            self.model, self.input, self._input_files, folder, self.spec.origin
        )

    def _take_result(self, result: object) -> None:
        if not isinstance(result, Iterator) or is_open_file(result):
            self._set_output(job_values.serialize_output(result, self._keep_file))
            return
        try:
            for item in result:
                self._add_piece(job_values.serialize_output(item, self._keep_file))
        finally:
            close = getattr(result, "close", None)
            if callable(close):
                close()

    def _keep_file(self, data: bytes, suffix: str) -> str:
        job_context.raise_if_canceled()  # its files may have been deleted already
        with self._lock:
            self.size += len(data)
        return self.spec.origin + self._files.keep(self.id, data, suffix)

    def _set_output(self, value: object) -> None:
        with self._lock:
            if not self.over and value is not None:
                self._output = value
                self.size += job_values.size_of(value)
                self.counts["output"] += 1
                self.changed.notify_all()

    def _add_piece(self, piece: object) -> None:
        with self._lock:
            if self.over:
                raise job_context.Canceled
            self._pieces.append(piece)
            self.size += job_values.size_of(piece)
            self._output = self._pieces
            self.counts["output"] += 1
            self._events.add_output(piece)
            self.changed.notify_all()

    def _expire(self) -> None:
        if self.status == STARTING:
            self._finish(ABORTED)
        else:
            self._finish(CANCELED)

    def _finish(self, status: str, error: str | None = None) -> None:
        with self._lock:
            if self.over:
                return
            self._set_times()
            if status == SUCCEEDED and self._output is None and self.model.streams:
                self._output = []
            self.error = error
            if error is not None:
                self._events.add("error", json.dumps({"detail": error}, ensure_ascii=False))
            self._events.add("done", _DONE_DATA.get(status, _CANCELED_DATA))
            self.status = status
            self.wake()
        if self._timer is not None:
            self._timer.cancel()
        if status in (CANCELED, ABORTED):
            for callback in self._cancel_callbacks:
                callback()
        self._ended(self)

    def _set_times(self) -> None:
        self.completed_at = max(timestamps.now(), self.created_at)
        started_at = self.started_at or self.completed_at
        predict_time = self.completed_at - started_at
        total_time = self.completed_at - self.created_at
        self.metrics.setdefault("predict_time", predict_time.total_seconds())
        self.metrics["total_time"] = total_time.total_seconds()


def _last_lines(error: BaseException) -> str:
    """Return the last lines of a traceback, without the frames before the model's own code."""
    own = (__file__, job_values.__file__)
    trace = error.__traceback__
    while trace and trace.tb_next and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)[-3:])
