"""Which Python has which peer: this one all but the coming official client, which gets an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .processes import ROOT
from .rows import BETA, HTTPX, NAIVE, OFFICIAL

NEEDS = {NAIVE: ("requests", "sseclient"), HTTPX: ("httpx", "httpx_sse"), OFFICIAL: ("replicate",)}
_BETA = "replicate==2.0.0b4"
_CACHE = Path(ROOT, ".bench")  # ignored by git, and made again where it is missing


class MissingPeer(Exception):
    """A peer is not installed."""


def python_of(peer: str) -> str:
    """Give the Python that has this peer, and make it where it must be made. Raises MissingPeer."""
    if peer == BETA:
        return _made()
    missing = [name for name in NEEDS.get(peer, ()) if find_spec(name) is None]
    if missing:
        raise MissingPeer(f"{peer} needs {' and '.join(missing)}: pip install '.[bench]', or name others with --peers.")
    return sys.executable


def _made() -> str:
    python = _CACHE / f"{_BETA}-{sys.version_info.major}.{sys.version_info.minor}" / "bin" / "python"
    done = python.parent.parent / "whole"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(python.parent.parent)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", _BETA], check=True)
        done.touch()
    return str(python)
