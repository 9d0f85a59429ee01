"""A notebook in this process, so that no test of what is displayed needs a kernel."""

from __future__ import annotations

import IPython
import pytest
from fake_shell import FakeShell


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> FakeShell:
    """Return the shell of a notebook that this process runs in."""
    shell = FakeShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> FakeShell:
    """Return the shell of an IPython in a terminal that this process runs in."""
    shell = FakeShell(is_notebook=False)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    return shell
