"""A server for the official clients, and what came of each."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from official import Official, command

from replicate_sync.server import LocalServer


@pytest.fixture(scope="session")
def ended() -> Callable[[Official], dict[str, str]]:
    """Give how each scenario of a client ended; they run together, once, against a server of their own."""
    done: dict[Official, dict[str, str]] = {}

    def of(client: Official) -> dict[str, str]:
        if client not in done:
            with LocalServer() as server:
                register(server)
                quick = {"REPLICATE_POLL_INTERVAL": "0.05", "PYTHONWARNINGS": "default"}
                point = {"REPLICATE_BASE_URL": server.url, "REPLICATE_API_TOKEN": server.token}
                environment = {
                    "PATH": os.environ["PATH"],
                    "HOME": os.environ["HOME"],
                    **quick,
                    **point,
                }
                run = subprocess.run(
                    command(client), env=environment, capture_output=True, text=True, timeout=300
                )
            assert run.returncode == 0, run.stderr
            done[client] = json.loads(run.stdout.splitlines()[-1])
        return done[client]

    return of


def register(server: LocalServer) -> None:
    """Give a server the models that the scenarios run."""

    @server.model("me/community", official=False)
    def community(number: int) -> dict:  # type: ignore[type-arg]
        return {"double": 2 * number}

    @server.model("me/words")
    def words(pause: float = 0.01) -> Iterator[str]:
        for piece in ["Once", " upon", "\n", "", "a\nb", " \N{SNOWMAN}"]:
            time.sleep(pause)
            yield piece

    @server.model("me/breaks")
    def breaks() -> Iterator[str]:
        yield "a"
        raise ValueError("out of words")

    @server.model("me/reverse")
    def reverse(files: list[Path]) -> list[bytes]:
        return [file.read_bytes()[::-1] for file in files]

    def nothing() -> str:
        return ""

    for number in range(25):  # more than one page of models
        server.model(f"many/model-{number}")(nothing)


@pytest.fixture(scope="module")
def environment() -> Any:
    """Leave the environment as it is: these tests need the package registries on first use."""
