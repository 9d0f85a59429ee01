"""Who installs the package has a Replicate in pytest."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import replicate_sync
from replicate_sync import Replicate
from replicate_sync.server import LocalServer

pytest_plugins = ["pytester"]


def test_a_test_has_a_server_and_a_client(
    replicate_server: LocalServer, replicate_client: Replicate
) -> None:
    replicate_server.script("me/upscale", output=b"\x89PNG larger")
    replicate_server.faults.rate_limit(retry_after=0, on="POST *")
    assert replicate_client.run("me/upscale", {"scale": 2}).read() == b"\x89PNG larger"
    first, second = replicate_server.requests.to("POST *")
    assert first.json == second.json == {"input": {"scale": 2}}


def test_the_variables_lead_there(replicate_server: LocalServer) -> None:
    replicate_server.script("replicate/hello-world", output="scripted")
    assert Replicate(proxy="").run("replicate/hello-world") == "scripted"


@pytest.fixture(scope="module")
def kept() -> Iterator[Callable[..., Any]]:
    """A function on a client that lives longer than a test."""
    replicate_sync._default.cache_clear()
    yield replicate_sync.run
    replicate_sync._default.cache_clear()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_new_server_that_a_kept_client_still_finds(
    replicate_server: LocalServer, kept: Callable[..., Any], turn: int
) -> None:
    assert kept("replicate/hello-world", {"text": "you"}) == "hello you"
    assert len(replicate_server.jobs.all()) == 1
    replicate_server.script("replicate/hello-world", output="scripted")
    replicate_server.faults.error(500, 1000, on="POST *")


def test_a_server_is_there_in_less_than_half_a_second() -> None:
    begun = time.monotonic()
    with LocalServer() as server:
        assert time.monotonic() - begun < 0.5
        assert not server.stopped()


def test_the_fixtures_come_with_the_package_and_go_with_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os

        def test_inside(replicate_server, replicate_client, capsys):
            @replicate_server.model("me/prints")
            def prints() -> str:
                print("in the logs")
                return "done"

            prediction = replicate_client.predictions.create("me/prints").wait()
            assert (prediction.output, prediction.logs.strip()) == ("done", "in the logs")
            assert os.environ["REPLICATE_BASE_URL"] == replicate_server.url
            assert capsys.readouterr().out == ""

        def test_outside():
            assert "REPLICATE_BASE_URL" not in os.environ
        """
    )
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=2)


def test_without_flask_one_sentence_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import importlib.util

        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "flask" else found(name, *rest)
        """
    )
    pytester.makepyfile("def test_it(replicate_server): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ['The local server needs Flask and Pillow: pip install "replicate-sync?server?"']
    )
    assert "Traceback" not in result.stdout.str()


def test_pytest_starts_without_the_server() -> None:
    code = "import sys, json, replicate_sync.pytest_plugin; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True
        ).stdout
    )
    assert {"flask", "werkzeug", "PIL", "replicate_sync.server"} & set(loaded) == set()
