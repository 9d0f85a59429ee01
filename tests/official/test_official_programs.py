"""Programs written for the official client print the same with one line changed."""

from __future__ import annotations

import contextlib
import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from official_programs import Program, programs, register

import replicate_sync.official
from replicate_sync.server import LocalServer

PROGRAMS = programs()
#: What each prints with the official client; written by `test_official_programs_interop`.
PRINTED = json.loads((Path(__file__).parent / "printed.json").read_text(encoding="utf-8"))


# The programs that look at all that is on a server, or make what has a name, need one of their own.
OWN_SERVER = re.compile(
    r"(predictions|trainings|deployments|collections)\.list|(models|deployments)\.create"
)
SLOW = ("run: the wait runs out", "files: a picture")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        register(server)
        yield server


@pytest.fixture
def server(program: Program, request: pytest.FixtureRequest) -> Iterator[LocalServer]:
    if not OWN_SERVER.search(program.source):
        yield request.getfixturevalue("shared_server")
        return
    with LocalServer() as server:
        register(server)
        yield server


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(one, id=one.name, marks=[pytest.mark.slow] if one.name in SLOW else [])
        for one in PROGRAMS
    ],
)
def test_a_program_prints_the_same_with_one_line_changed(
    program: Program, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "import httpx" in program.source:
        pytest.importorskip("httpx")
    monkeypatch.setenv("REPLICATE_BASE_URL", server.url)
    monkeypatch.setenv("REPLICATE_API_TOKEN", server.token)
    monkeypatch.setenv("REPLICATE_POLL_INTERVAL", "0.01")
    # As for a program that has just begun.
    monkeypatch.setattr(replicate_sync.official.default_client, "poll_interval", 0.01)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(compile(program.moved, program.name, "exec"), {"__name__": "__main__"})
    assert printed.getvalue() == PRINTED[program.name]


def test_there_are_enough_programs() -> None:
    assert len(PROGRAMS) >= 106
    assert {program.name for program in PROGRAMS} == set(PRINTED)
