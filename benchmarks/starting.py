"""How long a program takes to start: to import, and to its first token; and its memory then."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from time import perf_counter

from . import tape
from .processes import ROOT, environment
from .rows import NAIVE, OFFICIAL, OURS, STREAMING, Figure, Goal, Row, check

# Prints the time, and the memory at its highest.
_DONE = """
def done():
    import time
    print(time.perf_counter(), flush=True)
    status = open("/proc/self/status")
    print(next(line for line in status if line.startswith("VmHWM")).split()[1], flush=True)
"""


def package(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure the import of a package alone; ours loads a name when it is first used."""
    line, _ = program_of(peer)
    if peer == OURS:
        line = "import replicate_sync"
    return {"package": _measure_import(line, python)["ms"]}


def importing(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure the import of what makes a client."""
    line, _ = program_of(peer)
    return _measure_import(line, python)


def first_token(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure from the start of a process to the first token of a stream that is ready."""
    line, program = program_of(peer)
    plan = {"kind": "events", "count": 4}
    names = f"url, ref, token, plan = {url!r}, {tape.REF!r}, {tape.TOKEN!r}, {plan!r}\n"
    began = perf_counter()
    _, printed = _run(python, f"{line}\n{_DONE}{names}{program}")
    arrived, kilobytes = printed.split()
    return {"ms": 1000 * (float(arrived) - began), "mb": float(kilobytes) / 1024}


def _measure_import(line: str, python: str) -> dict[str, float]:
    """Return the time of an import above an empty program's, and the number of its modules."""
    count = f"import sys; before = len(sys.modules); {line}; print(len(sys.modules) - before)"
    empty, _ = _run(python, "pass")
    seconds, _ = _run(python, line)
    _, modules = _run(python, count)
    return {"ms": 1000 * (seconds - empty), "modules": float(modules)}


def _run(python: str, code: str) -> tuple[float, str]:
    """Return how long a program runs, in seconds, and what it prints."""
    began = perf_counter()
    ran = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT
    )
    seconds = perf_counter() - began
    check(ran.returncode == 0, ran.stderr[-2000:])
    return seconds, ran.stdout


@cache
def program_of(peer: str) -> tuple[str, str]:
    """Return a peer's import and program.

    It is not imported here, as its library may be in another environment.
    """
    path = Path(__file__).parent / "peers" / f"{peer}.py"
    constants = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        if statement.targets[0].id in ("IMPORT", "PROGRAM")
    }
    return constants["IMPORT"], constants["PROGRAM"]


ROWS = [
    Row(
        "starting.package",
        "import of the package, above `pass`",
        (Figure("package", "import of the package, above `pass`", "ms", Goal(0.55, OFFICIAL)),),
        rounds=9,
        alone=True,
    ),
    Row(
        "starting.importing",
        "import of the client, above `pass`",
        (
            Figure("ms", "import of the client, above `pass`", "ms", Goal(1.03, NAIVE)),
            Figure("modules", "modules imported", ""),
        ),
        rounds=9,
        alone=True,
    ),
    Row(
        "starting.first_token",
        "process start to first token",
        (
            Figure("ms", "process start to first token", "ms", Goal(1.03, NAIVE)),
            Figure("mb", "peak memory then", "MB", Goal(1.0, NAIVE, plus=0.3)),
        ),
        rounds=9,
        alone=True,
        peers=STREAMING,
    ),
]
