"""Who installs the package has a Replicate in pytest."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import replicate_sync
from replicate_sync import Replicate
from replicate_sync.server import LocalServer

pytest_plugins = ["pytester"]
HELLO = "replicate/hello-world"


def test_a_test_has_a_server_and_a_client(
    replicate_server: LocalServer, replicate_client: Replicate
) -> None:
    replicate_server.script("me/upscale", output=b"\x89PNG larger")
    replicate_server.faults.rate_limit(retry_after=0, on="POST *")
    assert replicate_client.run("me/upscale", {"scale": 2}).read() == b"\x89PNG larger"
    first, second = replicate_server.requests.to("POST *")
    assert first.json == second.json == {"input": {"scale": 2}}


def test_the_variables_lead_to_the_server(replicate_server: LocalServer) -> None:
    replicate_server.script(HELLO, output="scripted")
    assert Replicate(proxy="").run(HELLO) == "scripted"


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_new_server_that_a_kept_client_still_finds(
    replicate_server: LocalServer, turn: int
) -> None:
    # The default client outlives the first test.
    assert replicate_sync.run(HELLO, {"text": "you"}) == "hello you"
    assert len(replicate_server.jobs.all()) == 1
    replicate_server.script(HELLO, output="scripted")
    replicate_server.faults.error(500, 1000, on="POST *")


def test_where_the_port_is_taken_meanwhile_another_one_is_found(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = LocalServer.start
    attempts: list[LocalServer] = []

    def start_second(server: LocalServer) -> LocalServer:
        attempts.append(server)
        if len(attempts) == 1:
            raise OSError("Address already in use")
        return start(server)

    monkeypatch.setattr(LocalServer, "start", start_second)
    server = request.getfixturevalue("replicate_server")
    assert server is attempts[1]
    assert Replicate(proxy="").run(HELLO, {"text": "you"}) == "hello you"


def test_a_server_starts_in_less_than_half_a_second() -> None:
    began = time.monotonic()
    with LocalServer() as server:
        assert time.monotonic() - began < 0.5
        assert not server.stopped()


@pytest.mark.skipif(sys.platform == "emscripten", reason="no sockets here")
def test_the_fixtures_come_with_the_package_and_go_with_the_test(
    pytester: pytest.Pytester,
) -> None:
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
    result = pytester.runpytest_inprocess("-W", "error", "-p", "no:cacheprovider", "--assert=plain")
    result.assert_outcomes(passed=2)


def test_without_the_extra_one_sentence_says_what_to_install(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "replicate_sync.server", None)
    with pytest.raises(pytest.fail.Exception, match=r"replicate_sync\.server") as raised:
        request.getfixturevalue("replicate_server")
    assert not raised.value.pytrace


@pytest.mark.slow
def test_pytest_starts_without_the_server() -> None:
    code = "import sys, replicate_sync.pytest_plugin; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(ran.stdout.split())
    assert {"flask", "werkzeug", "PIL", "requests", "replicate_sync.server"} & loaded == set()
