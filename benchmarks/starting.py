"""How long a program takes to start: to import, and to its first token; and its memory then."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from time import perf_counter

from . import tape
from .processes import ROOT, environment
from .rows import OFFICIAL, OURS, STREAMING, Figure, Goal, Row, check

_LINES = """
def done():
    import time
    print(time.perf_counter(), flush=True)
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1], flush=True)
"""


def _timed(python: str, code: str) -> tuple[float, str]:
    began = perf_counter()
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment(), cwd=ROOT)
    took = perf_counter() - began
    check(ran.returncode == 0, ran.stderr[-2000:])
    return took, ran.stdout


def package(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure the import of a package as such; ours loads a name when it is first asked for."""
    return {"package": _imported("import replicate_sync" if peer == OURS else _lines(peer)[0], python)["ms"]}


def importing(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure the import of what makes a client."""
    return _imported(_lines(peer)[0], python)


def _imported(line: str, python: str) -> dict[str, float]:
    """Measure an import beside a program that does nothing, one after the other."""
    nothing = _timed(python, "pass")[0]
    took = _timed(python, line)[0]
    counted = _timed(python, f"import sys; before = len(sys.modules); {line}; print(len(sys.modules) - before)")[1]
    return {"ms": 1000 * (took - nothing), "modules": float(counted)}


def first_token(peer: str, python: str, url: str) -> dict[str, float]:
    """Measure from the start of a process to the first token of a stream that is there at once."""
    line, program = _lines(peer)
    plan = {"kind": "events", "count": 4}
    named = f"url, ref, token, plan = {url!r}, {tape.REF!r}, {tape.TOKEN!r}, {plan!r}\n"
    began = perf_counter()
    said = _timed(python, f"{line}\n{_LINES}{named}{program}")[1].split()
    return {"ms": 1000 * (float(said[0]) - began), "mb": float(said[1]) / 1024}


@cache
def _lines(peer: str) -> tuple[str, str]:
    """Give a peer's import and program, without importing it: its library may be in another environment."""
    tree = ast.parse((Path(__file__).parent / "peers" / f"{peer}.py").read_text(encoding="utf-8"))
    said = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
        if statement.targets[0].id in ("IMPORT", "PROGRAM")
    }
    return said["IMPORT"], said["PROGRAM"]


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
            Figure("ms", "import of the client, above `pass`", "ms", Goal(0.55, OFFICIAL)),
            Figure("modules", "modules imported", ""),
        ),
        rounds=9,
        alone=True,
    ),
    Row(
        "starting.first_token",
        "process start to first token",
        (
            Figure("ms", "process start to first token", "ms", Goal(0.60, OFFICIAL)),
            Figure("mb", "peak memory then", "MB", Goal(plus=30)),
        ),
        rounds=9,
        alone=True,
        peers=STREAMING,
    ),
]
