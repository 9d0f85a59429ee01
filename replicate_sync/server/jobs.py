"""Every prediction and training of a server that it still keeps."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta
from typing import NamedTuple

from . import timestamps
from .files import Files
from .input_files import InputFiles
from .job import Job
from .job_records import JobRecords
from .job_spec import JobSpec
from .records import Records
from .worker_threads import WorkerThreads


class Bounds(NamedTuple):
    """How much a server keeps.

    Attributes:
        predictions: How many predictions that are over.
        bytes: How many bytes they have together, with their files.
        retention: For how many seconds after its end the data of a prediction of the API is kept;
            None for as long as the prediction.
    """

    predictions: int
    bytes: int
    retention: float | None = None


class Jobs:
    """Every prediction and training of a server, in the order of creation.

    Where those that are over become too many or too large, the ones that ended first are dropped;
    the last one stays, however large it is.

    Args:
        files: The files of the server.
        input_files: Where the files of inputs come from.
        bounds: How much is kept.
        records: Where jobs are remembered.

    Attributes:
        dropped: How many were dropped.
    """

    def __init__(
        self, files: Files, input_files: InputFiles, bounds: Bounds, records: Records
    ) -> None:
        self.files: Files = files
        self.dropped: int = 0
        self._input_files = input_files
        self._bounds = bounds
        self._records = JobRecords(records)
        self._restored = False
        self._threads = WorkerThreads()
        self._jobs: dict[str, Job] = {}
        self._by_stream_key: dict[str, Job] = {}
        self._ended: deque[Job] = deque()
        self._ended_bytes = 0
        self._with_data: deque[Job] = deque()  # by their end
        self._stopped = False
        self._lock = threading.RLock()  # a job that is canceled while it is held ends here, too

    def create(self, spec: JobSpec) -> Job:
        """Create a job, which its `start` starts; on a stopped server it is canceled."""
        with self._lock:
            job = self._job(spec, timestamps.unique_now())
            self._jobs[job.id] = job
            self._by_stream_key[job.stream_key] = job
            if self._stopped:  # the request came in while the server stopped
                job.cancel()
        self._records.save(job)
        return job

    def get(self, id: str) -> Job | None:
        """Return the job with this id, or None."""
        self.expire()
        return self._jobs.get(id)

    def get_by_stream_key(self, key: str) -> Job | None:
        """Return the job whose stream has this key in its URL, or None."""
        return self._by_stream_key.get(key)

    def all(self) -> list[Job]:
        """Return every job but the examples, newest first."""
        self.expire()
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

    def expire(self) -> None:
        """Remove the data of predictions whose time is over."""
        if self._bounds.retention is None:
            return
        limit = timestamps.now() - timedelta(seconds=self._bounds.retention)
        while True:
            with self._lock:
                if not self._with_data or not _ended_before(self._with_data[0], limit):
                    return
                job = self._with_data.popleft()
                kept = job.id in self._jobs
                self._ended_bytes -= job.size if kept else 0
            if kept:
                job.remove_data()
                self.files.delete(job.id)
                self._records.save(job)

    def restore(self, origin: str) -> None:
        """Take over the jobs that were there before a restart, once.

        Args:
            origin: Scheme, host and port of the server now, to which the URLs of files lead.
        """
        if self._restored:
            return
        self._restored = True
        for saved in self._records.all(origin):
            job = self._job(saved.spec, timestamps.now())
            job.restore(saved.snapshot)
            self.files.restore(job.id)
            with self._lock:
                self._jobs[job.id] = job
                self._by_stream_key[job.stream_key] = job
                self._keep(job)

    def reopen(self) -> None:
        """Run jobs again, after `stop`."""
        with self._lock:
            self._stopped = False
        self._threads.reopen()

    def stop(self) -> None:
        """Cancel what runs and what is created from now on, and wake every thread that waits."""
        with self._lock:
            self._stopped = True
        for job in self.all():
            job.cancel()
            job.wake()
        self._threads.close()

    def _job(self, spec: JobSpec, created_at: datetime) -> Job:
        return Job(spec, created_at, self.files, self._input_files, self._keep, self._threads)

    def _keep(self, job: Job) -> None:
        """Keep a job that is over, and drop others where there are too many now."""
        if job.spec.example:
            return
        with self._lock:
            if job.id not in self._jobs:
                return
            self._records.save(job)
            self._ended.append(job)
            self._ended_bytes += job.size
            if not job.data_removed and job.spec.source == "api" and not job.spec.training:
                self._with_data.append(job)
            while len(self._ended) > 1 and not self._fits():
                oldest = self._ended.popleft()
                self._ended_bytes -= oldest.size
                self._delete(oldest)
                self.dropped += 1
            while self._with_data and self._with_data[0].id not in self._jobs:
                self._with_data.popleft()

    def _fits(self) -> bool:
        return (
            len(self._ended) <= self._bounds.predictions and self._ended_bytes <= self._bounds.bytes
        )

    def _delete(self, job: Job) -> None:
        self._jobs.pop(job.id, None)
        self._by_stream_key.pop(job.stream_key, None)
        self.files.delete(job.id)
        self._records.delete(job.id)


def _ended_before(job: Job, limit: datetime) -> bool:
    return job.completed_at is not None and job.completed_at < limit
