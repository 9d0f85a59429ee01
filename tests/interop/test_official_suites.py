"""The test suite of Replicate's own client, unmodified, against the local server.

Its tests with a recorded cassette are run without it: their requests reach the server instead. The
source comes from the package registry; `docs/official-suites.md` says what of it is not possible.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from official import CACHE, OFFICIAL, command

from replicate_sync.server import LocalServer

pytestmark = pytest.mark.interop
RELEASE = "replicate-1.0.7"
SDXL = (
    "39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b",
    "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc",
)
CANARY = "30e22229542eb3f79d4f945dacb58d32001b02cc313ae6f54eef27904edf3272"
LLAMA = "02e509c789964a7ea8736978a43525956ef40397be9033abf9fd2badfe68c9e3"
# What cannot hold here, and why: docs/official-suites.md.
IMPOSSIBLE = {
    "test_collections_list",
    "test_collections_get",
    "test_models_create",
    "test_models_create_with_positional_arguments",
    "test_models_predictions_create",
    "test_paginate",
    "test_predictions_get",
    "test_run",
    "test_trainings_get",
    "test_predictions_create_blocking",
}
CONFTEST = """
import functools
import httpx
import pytest

# The suite has one client for all tests, and an event loop for each: a connection that is kept
# belongs to a loop that is closed.
limits = httpx.Limits(max_keepalive_connections=0)
httpx.AsyncHTTPTransport = functools.partial(httpx.AsyncHTTPTransport, limits=limits)

skip_if_no_token = pytest.mark.skipif(False, reason="there is a token")

@pytest.fixture
def record_mode():
    return "all"

@pytest.fixture
def mock_replicate_api_token():
    pass

@pytest.fixture
def vcr():
    pass

def pytest_configure(config):
    config.addinivalue_line("markers", "vcr: a recorded cassette, which is not used")

def pytest_collection_modifyitems(config, items):
    # The others have responses of their own, and reach no server.
    items[:] = [item for item in items if item.get_closest_marker("vcr")]
"""


def fetch_suite() -> tuple[Path, Path]:
    """Return the Python that has the client and what its tests need, and the folder of these."""
    python = Path(command(OFFICIAL[0])[0])
    folder = CACHE / f"{RELEASE}-source"
    if not (folder / "made").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [str(python), "-m", "pip"]
        tools = ["pytest", "pytest-asyncio", "pytest-timeout", "respx"]
        subprocess.run([*pip, "install", "--quiet", *tools], check=True)
        package = RELEASE.replace("-", "==", 1)
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(folder)]
        subprocess.run([*pip, "download", *options, package], check=True)
        with tarfile.open(folder / f"{RELEASE}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        (folder / "made").touch()
    tests = folder / RELEASE / "tests"
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "__init__.py").touch()
    return python, tests


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A server with the models that the suite names."""
    with LocalServer(sync_status="processing") as server:

        def write(**_: object) -> Iterator[str]:  # the suite sends inputs of many kinds
            for word in ("Once", " upon", " a", " time"):
                time.sleep(0.2)
                yield word

        def draw(**_: object) -> list[bytes]:
            time.sleep(1)
            return [b"\x89PNG"]

        server.model("meta/llama-2-70b-chat", version=LLAMA)(write)
        server.model("meta/meta-llama-3-8b-instruct")(write)
        server.model("replicate/canary", version=CANARY, official=False)(write)
        server.model("stability-ai/sdxl", version=SDXL[0], official=False)(draw)

        @server.trainer("stability-ai/sdxl")
        def train(input_images: str, use_face_detection_instead: bool = False) -> None:
            time.sleep(5)

        for number in range(30):  # more than one page
            server.model(f"many/model-{number}")(write)
        server.catalog.create("mattt/empty", {"visibility": "public"})
        server.catalog.create("replicate/dreambooth-sdxl", {"visibility": "private"})
        yield server


def test_the_suite_passes_but_for_what_is_impossible(server: LocalServer) -> None:
    python, tests = fetch_suite()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "REPLICATE_BASE_URL": server.origin,
        "REPLICATE_API_TOKEN": server.token,
        "REPLICATE_POLL_INTERVAL": "0.05",
    }
    options = ["-q", "-rA", "-p", "no:cacheprovider", "-W", "ignore", "--tb=line", "--timeout=20"]
    run = subprocess.run(
        [str(python), "-m", "pytest", *options, "tests"],
        cwd=tests.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    ends = re.findall(r"^(PASSED|FAILED|ERROR) tests/\w+\.py::(\w+)", run.stdout, re.MULTILINE)
    failed = {name for end, name in ends if end != "PASSED"}
    assert failed == IMPOSSIBLE, run.stdout[-6000:]
    assert sum(end == "PASSED" for end, _ in ends) >= 44
