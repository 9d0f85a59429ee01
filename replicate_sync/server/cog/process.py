"""A Cog server as a process of this machine: started, told apart from its own failure, and ended."""

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
from typing import Any

from ..schemas import Schema
from .api_client import CogClient

_LOOK = 0.02  # seconds between two looks whether it has started
_PATIENCE = 1.0  # seconds to end by itself
_FLUSH = 0.1  # seconds in which Cog, that tells of a failure first, mostly passes on what the predictor wrote before it
_LINES = 40  # of its output that are kept
_STAGES = re.compile(r"((worker )?setup failed( \(slot [^)]*\))?: |failed to load predictor: )+", re.IGNORECASE)


class CogError(RuntimeError):
    """A predictor that cannot be served: one sentence why, and in `output` the end of what it wrote, if Cog tells it."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class Predictor:
    """Where a predictor is: its file and name as `reference`, as they are called in its project's `folder`.

    `slots` is how many predictions its cog.yaml allows at a time, or None. Raises CogError for one that is not there.
    """

    def __init__(self, given: str) -> None:
        path, colon, name = given.partition(":")
        place = Path(path).expanduser().absolute()
        if place.is_dir():
            found = re.search(r"^(?:run|predict):\s*[\"']?([^\s\"'#]+)", _told(place), re.MULTILINE)
            if found is None:
                raise CogError(f"No cog.yaml in {place} names a predictor: give its file and class instead.")
            path, colon, name = found[1].partition(":")
            place /= path
        if not place.is_file():
            raise CogError(f"There is no predictor at {given}: give its file and class, such as predict.py:Predictor.")
        # Cog runs a predictor in the folder of its project, for which a cog.yaml stands.
        projects = [folder for folder in place.parents if (folder / "cog.yaml").is_file()]
        self.folder = projects[0] if projects else place.parent
        self.reference = f"{place.relative_to(self.folder)}{colon}{name}"
        slots = re.search(r"^concurrency:\s*\n\s+max:\s*(\d+)", _told(self.folder), re.MULTILINE)
        self.slots = int(slots[1]) if slots else None

    def signature(self) -> dict[str, Any]:
        """Give its `document` and its `slots`, as the program `signature` says them; raises CogError."""
        command = [sys.executable, "-c", _program("signature"), self.reference]
        ran = subprocess.run(command, cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True)
        try:
            made: dict[str, Any] = json.loads(ran.stdout)
        except ValueError:  # ended by what it imports
            made = {"error": f"its program ended with exit code {ran.returncode}"}
        if "error" not in made:
            return made
        if re.search(r"No module named '(cog|coglet|cog\._inspector)'", made["error"]):
            raise CogError('Serving a predictor needs Cog as it is known here: pip install "replicate-sync[cog]".')
        lines = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CogError(f"{self.reference} cannot be loaded: {_sentence(made['error'])}", "\n".join(lines[-_LINES:]))


class CogProcess:
    """Cog's server for one predictor, on a free port of 127.0.0.1; `start` and `stop` may be called again and again."""

    def __init__(self, predictor: Predictor, document: Schema, slots: int) -> None:
        self.predictor, self.document, self.slots = predictor, document, slots
        self.client = CogClient("")
        self._process: subprocess.Popen[bytes] | None = None
        self._output: deque[str] = deque(maxlen=_LINES)

    def start(self, wanted: Callable[[], bool]) -> None:
        """Start it, and return when it takes predictions; raises CogError where it will not, or is not wanted any more."""
        temporary = tempfile.TemporaryDirectory(prefix="cog-", ignore_cleanup_errors=True)
        with temporary as programs, _shown(self.predictor.folder, self.document):
            self._process = self._spawn(Path(programs))
            try:
                self._until_ready(self._process, wanted)
            except CogError as error:
                time.sleep(_FLUSH)
                self.stop()
                error.output = "\n".join(self._output)
                raise
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """End it and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
            self._reader.join(_PATIENCE)

    def runs(self) -> bool:
        """Tell whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def well(self) -> bool:
        """Tell whether it can take a prediction, now or when the one that runs is over."""
        return self.runs() and self.client.health() in ("READY", "BUSY")

    def _spawn(self, programs: Path) -> subprocess.Popen[bytes]:
        # Cog starts its worker as plain `python`, which the PATH must lead to this one, and which a link would spoil: it is
        # where it is called from that tells a Python its environment.
        (programs / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
        (programs / "python").chmod(0o755)
        port = _free_port()
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        told = {"COG_PREDICT_TYPE_STUB": self.predictor.reference, "PORT": str(port), "PATH": path}
        told |= {"COG_MAX_CONCURRENCY": str(self.slots)}
        self._output.clear()
        process = subprocess.Popen(
            [sys.executable, "-c", _program("supervisor")],
            cwd=self.predictor.folder,
            env=_environment() | told,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for the server, not for its models
        )
        self.client = CogClient(f"http://127.0.0.1:{port}")
        self._reader = threading.Thread(target=self._read, args=(process,), name=f"cog-{port}", daemon=True)
        self._reader.start()
        return process

    def _until_ready(self, process: subprocess.Popen[bytes], wanted: Callable[[], bool]) -> None:
        while (health := self.client.health()) not in ("READY", "BUSY"):
            name = self.predictor.reference
            if not wanted():
                raise CogError(f"{name} was stopped as it started.")
            if process.poll() is not None:
                raise CogError(f"Cog ended as it started {name}, with exit code {process.returncode}.")
            if health not in ("", "STARTING"):
                reason = _STAGES.sub("", self.client.setup_logs().strip(), 1) or health
                raise CogError(f"{name} did not start: {_sentence(reason)}")
            time.sleep(_LOOK)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                text = _said(line.decode("utf-8", "replace").rstrip())
                if text is not None:
                    self._output.append(text)


@contextlib.contextmanager
def _shown(folder: Path, document: Schema) -> Iterator[None]:
    """Have the document where Cog's worker reads it once, after its setup; then leave the folder as it was.

    That is `.cog/openapi_schema.json` in its working directory, which is the project's for whatever the predictor opens.
    Where the folder cannot be written to, the worker does without: it checks less, and does not stream.
    """
    import fcntl  # not on Windows, and neither is Cog

    place = folder / ".cog" / "openapi_schema.json"
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # on a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)  # of two servers of one project, one after the other
        new, before = not place.parent.exists(), place.read_bytes() if place.exists() else None
        try:
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(document), encoding="utf-8")
        except OSError:
            yield
            return
        try:
            yield
        finally:
            if before is None:
                place.unlink(missing_ok=True)
            else:
                place.write_bytes(before)
            if new:
                with contextlib.suppress(OSError):  # somebody else has put something there
                    place.parent.rmdir()
    finally:
        os.close(handle)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the group is gone; macOS says it otherwise
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _told(folder: Path) -> str:
    """Give the text of a folder's cog.yaml, "" where it has none; the two lines that matter need no reader of YAML."""
    try:
        return (folder / "cog.yaml").read_text(encoding="utf-8")
    except OSError:
        return ""


def _program(name: str) -> str:
    # Given as text: run from its file, it would find the modules beside it before those that it asks for.
    return Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _said(line: str) -> str | None:
    """Give what a line of output says, and None for Cog's own notes: those that are JSON and of neither stream."""
    try:
        note = json.loads(line)["fields"]
        return str(note["message"]) if "source" in note else None
    except (ValueError, KeyError, TypeError):
        return line


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
