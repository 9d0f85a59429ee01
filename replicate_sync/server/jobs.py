"""Every prediction and training of a server that it still keeps."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

from . import timestamps
from .files import Files
from .input_files import InputFiles
from .job import Job
from .job_spec import JobSpec


class Bounds(NamedTuple):
    """How much a server keeps.

    Attributes:
        predictions: How many predictions that are over.
        bytes: How many bytes they have together, with their files.
    """

    predictions: int
    bytes: int


class Jobs:
    """Every prediction and training of a server, in the order of creation.

    Where those that are over become too many or too large, the ones that ended first are dropped;
    the last one stays, however large it is.

    Args:
        files: The files of the server.
        input_files: Where the files of inputs come from.
        bounds: How much is kept.

    Attributes:
        dropped: How many were dropped.
    """

    def __init__(self, files: Files, input_files: InputFiles, bounds: Bounds) -> None:
        self.files: Files = files
        self.dropped: int = 0
        self._input_files = input_files
        self._bounds = bounds
        self._jobs: dict[str, Job] = {}
        self._by_stream_key: dict[str, Job] = {}
        self._ended: deque[Job] = deque()
        self._ended_bytes = 0
        self._stopped = False
        self._lock = threading.RLock()  # a job that is canceled while it is held ends here, too

    def create(self, spec: JobSpec) -> Job:
        """Create a job, which its `start` starts; on a stopped server it is canceled."""
        with self._lock:
            job = Job(spec, timestamps.unique_now(), self.files, self._input_files, self._keep)
            self._jobs[job.id] = job
            self._by_stream_key[job.stream_key] = job
            if self._stopped:  # the request came in while the server stopped
                job.cancel()
        return job

    def get(self, id: str) -> Job | None:
        """Return the job with this id, or None."""
        return self._jobs.get(id)

    def get_by_stream_key(self, key: str) -> Job | None:
        """Return the job whose stream has this key in its URL, or None."""
        return self._by_stream_key.get(key)

    def all(self) -> list[Job]:
        """Return every job but the examples, newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if not job.spec.example]

    def delete_version(self, version: str) -> None:
        """Cancel and delete every job of a model's version, with its files."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.spec.version == version]
        for job in jobs:
            job.cancel()
        with self._lock:
            for job in jobs:
                self._delete(job)
            kept = [job for job in self._ended if job.id in self._jobs]
            self._ended = deque(kept)
            self._ended_bytes = sum(job.size for job in kept)

    def reopen(self) -> None:
        """Run jobs again, after `stop`."""
        with self._lock:
            self._stopped = False

    def stop(self) -> None:
        """Cancel what runs and what is created from now on, and wake every thread that waits."""
        with self._lock:
            self._stopped = True
        for job in self.all():
            job.cancel()
            with job.changed:
                job.changed.notify_all()

    def _keep(self, job: Job) -> None:
        """Keep a job that is over, and drop others where there are too many now."""
        if job.spec.example:
            return
        with self._lock:
            if job.id not in self._jobs:
                return
            self._ended.append(job)
            self._ended_bytes += job.size
            while len(self._ended) > 1 and not self._fits():
                oldest = self._ended.popleft()
                self._ended_bytes -= oldest.size
                self._delete(oldest)
                self.dropped += 1

    def _fits(self) -> bool:
        return (
            len(self._ended) <= self._bounds.predictions and self._ended_bytes <= self._bounds.bytes
        )

    def _delete(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        self._by_stream_key.pop(job.stream_key, None)
        self.files.delete(job.id)
