"""A long map with a journal: time, memory and bytes on disk, and a kill in the middle.

The API is a stand-in inside the process, which costs next to nothing: a session that returns an
ended prediction for each create, and notes it in a file, which outlives a kill. So what is measured
is the map, its threads and its journal.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from array import array
from datetime import datetime, timezone
from email.utils import formatdate
from pathlib import Path
from time import perf_counter, time
from typing import Any

import requests

from .many import memory
from .processes import ROOT, environment
from .rows import OURS, Figure, Goal, Row, check

_STEPS = 10
_LISTED = 1000  # predictions that the stand-in lists, the newest


class StandIn(requests.Session):
    """Responds to creates with ended predictions, and lists the newest ones.

    Args:
        path: The file of all that was created.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Return a response, without a connection."""
        if method == "POST":
            match = re.search(rb'"n":(\d+)', options["data"])
            assert match is not None
            number = int(match[1])
            os.write(self._file, array("q", [number]).tobytes())
            return _respond(201, _prediction(number))
        if url.endswith("/predictions"):
            created = numbers_in(self._path)[-_LISTED:]
            results = [_prediction(number) for number in reversed(created)]
            return _respond(200, {"next": None, "results": results})
        known = re.search(r"/predictions/p(\d+)$", url)
        if known is not None:
            return _respond(200, _prediction(int(known[1])))
        return _respond(404, {"detail": "not found"})


def _prediction(number: int) -> dict[str, Any]:
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": f"p{number:025}",
        "model": "local/number",
        "version": "v" * 64,
        "status": "succeeded",
        "input": {"n": number},
        "output": {"n": number},
        "created_at": now,
        "completed_at": now,
        "metrics": {"predict_time": 0.01},
        "urls": {"get": f"https://api.replicate.com/v1/predictions/p{number:025}"},
    }


def _respond(status: int, body: object) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers["Date"] = formatdate(time(), usegmt=True)
    response._content = json.dumps(body).encode()
    return response


def numbers_in(path: Path) -> array[int]:
    """Return the inputs of all that was created, in their order."""
    numbers: array[int] = array("q")
    numbers.frombytes(path.read_bytes())
    return numbers


def run(folder: Path, number: int) -> None:
    """Run a map, and print a line for the first result and for each tenth of all."""
    from replicate_sync import Replicate

    client = Replicate("r8_x", session=StandIn(folder / "created"))
    journal = folder / "journal.db"
    began = perf_counter()
    inputs = ({"n": n} for n in range(number))
    results = client.map("local/number", inputs, journal=journal, concurrency=8)
    for n, result in enumerate(results):
        check(result == {"n": n}, f"{result} instead of {n}")
        if n == 0 or (n + 1) % (number // _STEPS) == 0:
            size = sum(path.stat().st_size for path in folder.glob("journal.db*"))
            print(n + 1, perf_counter() - began, memory("VmRSS"), size, flush=True)


def long_map(peer: str, python: str, url: str, number: int) -> dict[str, float]:
    """Measure a map that is killed in the middle, and one that is not."""
    with tempfile.TemporaryDirectory() as name:
        whole = _start(python, Path(name), number, kill_at=None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _start(python, folder, number, kill_at=number // 2)
        known = len(numbers_in(folder / "created"))
        check(number // 2 <= known < number, f"killed after {known}")
        _start(python, folder, number, kill_at=None)
        created = sorted(numbers_in(folder / "created"))
        check(created == list(range(number)), "not each was created once")
    first, *steps = whole
    durations = [later[1] - earlier[1] for earlier, later in itertools.pairwise(steps)]
    return {
        "us": 1e6 * steps[-1][1] / number,
        "growth": durations[-1] / durations[0],
        "mb": max(step[2] for step in steps) - first[2],
        "bytes": steps[-1][3] / number,
    }


def _start(
    python: str, folder: Path, number: int, kill_at: int | None
) -> list[tuple[float, float, float, float]]:
    """Run a map in a process, and return what it prints; kill it after so many results."""
    command = [python, "-m", "benchmarks.journals", str(folder), str(number)]
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            count, seconds, megabytes, size = map(float, line.split())
            lines.append((count, seconds, megabytes, size))
            if kill_at is not None and count >= kill_at:
                process.kill()
                break
    expected = 0 if kill_at is None else -signal.SIGKILL
    check(process.returncode == expected, f"the exit code is {process.returncode}")
    return lines


_TITLE = "a map of 100,000 with a journal, at 8"

ROWS = [
    Row(
        "journals.long_map",
        _TITLE,
        (
            Figure("us", f"{_TITLE}, time of each", "µs"),
            Figure("growth", f"{_TITLE}, its last tenth over its second", "×", Goal(plus=1.5)),
            Figure("mb", f"{_TITLE}, memory above the start", "MB", Goal(plus=40)),
            Figure("bytes", f"{_TITLE}, journal on disk for each", "bytes"),
        ),
        {"number": 100_000},
        {"number": 200},
        (OURS,),
        rounds=1,
        alone=True,
        warm=False,
    ),
]


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
