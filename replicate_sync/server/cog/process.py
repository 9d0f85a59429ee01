"""A Cog server as a process of this machine: started, watched, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from ..schemas import Schema
from .api_client import CogClient
from .predictor import (
    MAX_OUTPUT_LINES,
    CogError,
    Predictor,
    as_sentence,
    program_environment,
    program_text,
)

HEALTHY = ("READY", "BUSY")
"""The statuses of a server that accepts predictions, now or later."""

_POLL_INTERVAL = 0.02  # seconds between two checks whether it has started
_TERMINATE_TIMEOUT = 1.0  # seconds to end by itself
# Seconds in which Cog, which reports a failure first, passes on what the predictor wrote before it.
_FLUSH_TIME = 0.1
_SETUP_STAGES = re.compile(
    r"((worker )?setup failed( \(slot [^)]*\))?: |failed to load predictor: )+", re.IGNORECASE
)


class CogProcess:
    """Cog's server for one predictor, on a free port of 127.0.0.1.

    It can be started and stopped any number of times.

    Args:
        predictor: The predictor.
        document: Its OpenAPI document.
        slots: How many predictions it runs at a time.

    Attributes:
        client: The client of the process that was started last.
    """

    def __init__(self, predictor: Predictor, document: Schema, slots: int) -> None:
        self.client: CogClient = CogClient("")
        self._predictor = predictor
        self._document = document
        self._slots = slots
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._output: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)

    def start(self, wanted: Callable[[], bool]) -> None:
        """Start it, and return when it accepts predictions.

        Args:
            wanted: Returns whether it is still wanted.

        Raises:
            CogError: It does not start, or is not wanted any more.
        """
        temporary = tempfile.TemporaryDirectory(prefix="cog-", ignore_cleanup_errors=True)
        with temporary as programs, _published(self._predictor.folder, self._document):
            process = self._spawn(Path(programs))
            self._process = process
            try:
                self._wait_until_ready(process, wanted)
            except CogError as error:
                time.sleep(_FLUSH_TIME)
                self.stop()
                error.output = "\n".join(self._output)
                raise
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End it, and all that it started."""
        process = self._process
        self._process = None
        if process is not None:
            _end(process)
        if self._reader is not None:
            self._reader.join(_TERMINATE_TIMEOUT)

    def is_running(self) -> bool:
        """Return whether the process exists."""
        return self._process is not None and self._process.poll() is None

    def is_healthy(self) -> bool:
        """Return whether it accepts predictions, now or when the one that runs is over."""
        return self.is_running() and self.client.health() in HEALTHY

    def _spawn(self, programs: Path) -> subprocess.Popen[bytes]:
        # Cog starts its worker as plain `python`, which the PATH must lead to this Python. A link
        # would not do: a Python finds its environment by the path that it is called from.
        python = programs / "python"
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        port = _free_port()
        own_python = str(Path(sys.executable).parent)
        path = [str(programs), own_python, os.environ.get("PATH", os.defpath)]
        environment = program_environment()
        environment["COG_PREDICT_TYPE_STUB"] = self._predictor.reference
        environment["COG_MAX_CONCURRENCY"] = str(self._slots)
        environment["PORT"] = str(port)
        environment["PATH"] = os.pathsep.join(path)
        self._output.clear()
        process = subprocess.Popen(
            [sys.executable, "-c", program_text("supervisor")],
            cwd=self._predictor.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for the server, not for its models
        )
        self.client = CogClient(f"http://127.0.0.1:{port}")
        self._reader = threading.Thread(
            target=self._read_output, args=(process,), name=f"cog-{port}", daemon=True
        )
        self._reader.start()
        return process

    def _wait_until_ready(
        self, process: subprocess.Popen[bytes], wanted: Callable[[], bool]
    ) -> None:
        name = self._predictor.reference
        while True:
            health = self.client.health()
            if health in HEALTHY:
                return
            if not wanted():
                raise CogError(f"{name} was stopped as it started.")
            if process.poll() is not None:
                code = process.returncode
                raise CogError(f"Cog ended as it started {name}, with exit code {code}.")
            if health not in ("", "STARTING"):
                reason = _SETUP_STAGES.sub("", self.client.setup_logs().strip(), 1) or health
                raise CogError(f"{name} did not start: {as_sentence(reason)}")
            time.sleep(_POLL_INTERVAL)

    def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                text = _predictor_text(line.decode("utf-8", "replace").rstrip())
                if text is not None:
                    self._output.append(text)


@contextlib.contextmanager
def _published(folder: Path, document: Schema) -> Iterator[None]:
    """Keep the document where Cog's worker reads it once, after its setup; then remove it.

    That is `.cog/openapi_schema.json` in its working directory, which is the project's, as the
    predictor may open files there. Where the folder is not writable, the worker does without it: it
    validates less, and does not stream.
    """
    import fcntl  # not on Windows, and neither is Cog

    handle = os.open(folder, os.O_RDONLY)
    try:
        # Two servers of one project take turns.
        with contextlib.suppress(OSError):  # on a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        restore = _write_document(folder / ".cog" / "openapi_schema.json", document)
        try:
            yield
        finally:
            restore()
    finally:
        os.close(handle)


def _write_document(file: Path, document: Schema) -> Callable[[], None]:
    """Write the document, and return a function that makes the folder as it was before."""
    new_folder = not file.parent.exists()
    previous: bytes | None = None
    if file.exists():
        previous = file.read_bytes()

    def restore() -> None:
        if previous is not None:
            file.write_bytes(previous)
            return
        file.unlink(missing_ok=True)
        if new_folder:
            with contextlib.suppress(OSError):  # there is something else in it
                file.parent.rmdir()

    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(document), encoding="utf-8")
    except OSError:
        return lambda: None
    return restore


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_TERMINATE_TIMEOUT)
    # The group may be gone, for which macOS has another error.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _predictor_text(line: str) -> str | None:
    """Return what a line of output says, or None for Cog's own log.

    Cog logs JSON; what the predictor printed has a source.
    """
    try:
        fields = json.loads(line)["fields"]
        if "source" in fields:
            return str(fields["message"])
    except (ValueError, KeyError, TypeError):
        return line
    return None
