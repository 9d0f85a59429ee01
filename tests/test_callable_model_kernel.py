"""Shift-Tab in a notebook shows the inputs of a model."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from replicate_sync.server import LocalServer

CELL = """
import replicate_sync
flux = replicate_sync.use("black-forest-labs/flux-schnell")
"""
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def kernel() -> Iterator[Any]:
    """Return a client of a kernel that has run the cell."""
    from jupyter_client.manager import KernelManager  # large, and late as the test is slow

    with LocalServer() as server:
        manager = KernelManager(kernel_name="python3")
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        manager.kernel_cmd = launcher  # type: ignore[attr-defined]
        variables = {"REPLICATE_BASE_URL": server.url, "REPLICATE_API_TOKEN": server.token}
        manager.start_kernel(env={**os.environ, **variables})
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            reply = client.execute_interactive(CELL, timeout=60)
            assert reply["content"]["status"] == "ok"
            yield client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_shift_tab_shows_the_inputs_with_types_defaults_and_limits(kernel: Any) -> None:
    reply = kernel.inspect("flux(prompt=", cursor_pos=4, reply=True, timeout=60)
    text = _COLORS.sub("", reply["content"]["data"]["text/plain"])
    assert "prompt: str" in text
    assert re.search(r"num_outputs: (typing\.)?Annotated\[int, '1 to 4'\] = 1", text)
    assert re.search(r"Docstring:\s*Run black-forest-labs/flux-schnell, and return a list", text)
    assert re.search(r"num_outputs \(integer\): .+ 1 to 4\. Default: 1\.", text)
    assert "CallableModel" in text  # its type


@pytest.mark.slow
def test_completion_knows_the_inputs(kernel: Any) -> None:
    code = "flux(num_"
    reply = kernel.complete(code, cursor_pos=len(code), reply=True, timeout=60)
    assert "num_outputs=" in reply["content"]["matches"]
