"""Every prediction and training of a server."""

from __future__ import annotations

import threading

from . import timestamps
from .files import Files
from .job import Job
from .job_spec import JobSpec


class Jobs:
    """Every prediction and training of a server, in the order of creation.

    Args:
        files: The files of the server.
    """

    def __init__(self, files: Files | None = None) -> None:
        self.files: Files = files or Files()
        self._jobs: dict[str, Job] = {}
        self._by_stream_key: dict[str, Job] = {}
        self._stopped = False
        self._lock = threading.Lock()

    def create(self, spec: JobSpec) -> Job:
        """Create a job, which its `start` starts; on a stopped server it is canceled."""
        with self._lock:
            job = Job(spec, timestamps.unique_now(), self.files)
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
                del self._jobs[job.id]
                del self._by_stream_key[job.stream_key]
                self.files.delete(job.id)
        for job in jobs:
            job.cancel()

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
