"""Which Python has which peer: this one, or one of its own for the coming official client."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .processes import ROOT
from .rows import BETA, HTTPX, NAIVE, OFFICIAL

MODULES = {
    NAIVE: ("requests", "sseclient"),
    HTTPX: ("httpx", "httpx_sse"),
    OFFICIAL: ("replicate",),
}
_BETA_REQUIREMENT = "replicate==2.0.0b4"
_CACHE = Path(ROOT, ".bench")  # ignored by git, and made again where it is missing


class MissingPeer(Exception):
    """A peer is not installed."""


def python_of(peer: str) -> str:
    """Return the path of the Python that has this peer, and create it where it is missing.

    Raises:
        MissingPeer: It has to be installed here.
    """
    if peer == BETA:
        return _create_environment()
    missing = [name for name in MODULES.get(peer, ()) if find_spec(name) is None]
    if missing:
        raise MissingPeer(
            f"{peer} needs {' and '.join(missing)}: pip install '.[bench]', "
            "or name others with --peers."
        )
    return sys.executable


def _create_environment() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = _CACHE / f"{_BETA_REQUIREMENT}-{version}"
    python = str(folder / "bin" / "python")
    is_complete = folder / "complete"
    if not is_complete.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", _BETA_REQUIREMENT], check=True)
        is_complete.touch()
    return python
