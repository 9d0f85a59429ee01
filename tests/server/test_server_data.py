"""A server with a folder goes on after a restart from where it was."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cli_runner import wait_until

from replicate_sync.server import LocalServer


@pytest.mark.slow
def test_predictions_and_their_files_stay(tmp_path: Path, caller_of: Any) -> None:
    with LocalServer(data=tmp_path) as server:
        server.script("me/file", output={"pictures": [b"GIF8...", b"second"]}, logs="made it")
        server.script("me/text", tokens=["Once", " upon"], metrics={"words": 2})
        call = caller_of(server)
        before = [call.run("me/file", {"a": [1]}), call.run("me/text")]
        streamed = call.events(before[1])
        call.session.close()
        port = server.port
    with LocalServer(port=port, data=tmp_path) as server:
        call = caller_of(server)
        assert [call.get(one["urls"]["get"]).json() for one in before] == before
        pictures = before[0]["output"]["pictures"]
        assert [call.get(url).content for url in pictures] == [b"GIF8...", b"second"]
        assert call.get(pictures[0]).headers["Content-Type"] == "image/gif"
        assert call.events(before[1]) == streamed
        listed = call.get("/v1/predictions").json()["results"]
        assert [one["id"] for one in listed] == [one["id"] for one in reversed(before)]
        call.session.close()


@pytest.mark.slow
def test_urls_of_files_lead_to_the_new_port(tmp_path: Path, caller_of: Any) -> None:
    with LocalServer(data=tmp_path) as server:
        server.script("me/file", output=b"content")
        call = caller_of(server)
        made = call.run("me/file")
        call.session.close()
    with LocalServer(data=tmp_path) as server:
        call = caller_of(server)
        body = call.get(f"/v1/predictions/{made['id']}").json()
        assert call.get(body["output"]).content == b"content"
        assert body["output"].startswith(server.origin)
        assert body["urls"]["get"].startswith(server.origin)
        call.session.close()


@pytest.mark.slow
def test_uploads_models_and_deployments_stay(tmp_path: Path, caller_of: Any) -> None:
    model = {"owner": "local", "name": "mine", "visibility": "private", "hardware": "cpu"}
    with LocalServer(data=tmp_path) as server:
        call = caller_of(server)
        files = {"content": ("é.txt", b"content", "text/plain"), "metadata": (None, '{"a": 1}')}
        upload = call.session.post(f"{server.url}/files", files=files, timeout=5).json()
        call.post("/v1/models", {**model, "description": "Mine"})
        version = call.get("/v1/models/local/trainer").json()["latest_version"]["id"]
        body = {"destination": "local/mine", "input": {"steps": 1}}
        trainings = f"/v1/models/local/trainer/versions/{version}/trainings"
        training = call.post(trainings, body).json()
        done = call.until(training, lambda body: body["status"] == "succeeded")
        deployment = {
            "name": "live", "model": "local/trainer", "version": version, "hardware": "cpu",
            "min_instances": 0, "max_instances": 1,
        }  # fmt: skip
        call.post("/v1/deployments", deployment)
        call.send("PATCH", "/v1/deployments/local/live", json={"max_instances": 2})
        paths = ("/v1/models/local/mine", "/v1/deployments", "/v1/models/local/mine/versions")
        before = [call.get(path).json() for path in paths]
        call.session.close()
        port = server.port
    with LocalServer(port=port, data=tmp_path) as server:
        call = caller_of(server)
        assert [call.get(path).json() for path in paths] == before
        assert call.get(upload["urls"]["get"]).json() == upload
        assert call.get(f"/v1/trainings/{training['id']}").json() == done

        @server.model("me/reads")
        def reads(file: Path) -> str:
            return file.read_text()

        assert call.run("me/reads", {"file": upload["urls"]["get"]})["output"] == "content"
        trained = done["output"]["version"].partition(":")[2]
        assert call.run(trained, {"prompt": "x"})["status"] == "succeeded"
        assert call.send("DELETE", f"/v1/files/{upload['id']}").status_code == 204
        assert call.send("DELETE", "/v1/deployments/local/live").status_code == 204
        call.session.close()
    assert list((tmp_path / "uploads").iterdir()) == []
    with LocalServer(data=tmp_path) as server:
        assert (server.uploads.all(), server.deployments.all()) == ([], [])


@pytest.mark.slow
def test_what_ran_when_the_server_was_killed_has_failed(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from replicate_sync.server import LocalServer\n"
        "server = LocalServer(data=sys.argv[1]).start()\n"
        "print(server.url, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer r8_local"}
        body = {"version": "local/slow", "input": {"seconds": 60}}
        made = requests.post(f"{url}/predictions", json=body, headers=headers, timeout=5).json()
        with pytest.raises(ValueError, match="another server"):
            LocalServer(data=tmp_path)
        os.kill(process.pid, signal.SIGKILL)
    with LocalServer(data=tmp_path) as server:
        job = server.jobs.get(made["id"])
        assert job is not None
        assert job.status == "failed"
        assert job.error == "The local server ended before the prediction did."


def test_what_is_dropped_leaves_the_folder(tmp_path: Path, caller_of: Any) -> None:
    with LocalServer(data=tmp_path, keep_predictions=2) as server:
        server.script("me/file", output=b"content")
        call = caller_of(server)
        made = [call.run("me/file")["id"] for _ in range(4)]
        call.session.close()

        def kept() -> list[str]:
            return sorted(path.name for path in (tmp_path / "outputs").iterdir())

        # What ends is responded to first, and others are dropped then.
        assert wait_until(lambda: kept() == sorted(made[2:])), kept()
    with LocalServer(data=tmp_path) as server:
        assert [job.id for job in server.jobs.all()] == made[:1:-1]


@pytest.mark.slow
@pytest.mark.parametrize("on_disk", [False, True])
def test_data_expires_when_asked_to(tmp_path: Path, caller_of: Any, on_disk: bool) -> None:
    folder = tmp_path / "data" if on_disk else None
    with LocalServer(data=folder, retention=0.2) as server:
        server.script("me/file", output=b"content", logs="secret")
        call = caller_of(server)
        made = call.create("me/file", {"a": 1}, Prefer="wait=5")
        page = f"{server.origin}/p/{made['id']}"
        ended_at = time.monotonic()
        kept = call.get(made["urls"]["get"]).json()
        if time.monotonic() - ended_at < 0.15:
            assert kept["data_removed"] is False
        removed = call.until(made, lambda body: body["data_removed"] is True)
        assert (removed["input"], removed["output"], removed["logs"]) == ({}, None, None)
        assert removed["status"] == "succeeded"
        assert call.get(f"/outputs/{made['id']}/out-0").status_code == 404
        assert "secret" not in call.get(page).text
        call.session.close()
    if on_disk:
        assert list((tmp_path / "data/outputs").iterdir()) == []
        text = (tmp_path / "data/replicate.db").read_bytes()
        assert text.startswith(b"SQLite")
        with LocalServer(data=folder) as server:
            assert server.jobs.all()[0].data_removed


@pytest.mark.slow
def test_a_full_disk_does_not_stop_the_server(tmp_path: Path) -> None:
    program = (
        "import resource, sys, requests\n"
        "from replicate_sync.server import LocalServer\n"
        "with LocalServer(data=sys.argv[1]) as server:\n"
        "    server.script('me/text', output='x' * 100_000)\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "    headers = {'Authorization': 'Bearer r8_local', 'Prefer': 'wait=5'}\n"
        "    for _ in range(4):\n"
        "        body = {'version': 'me/text', 'input': {}}\n"
        "        url = f'{server.url}/predictions'\n"
        "        print(requests.post(url, json=body, headers=headers).json()['status'])\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert run.stdout.split() == ["succeeded"] * 4
    assert "The local server could not write its data" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot keep a server's data"):
        LocalServer(data=tmp_path / "file")
    (tmp_path / "replicate.db").write_text("this is no database, and long enough to be seen" * 9)
    with pytest.raises(ValueError, match="cannot keep a server's data"):
        LocalServer(data=tmp_path)


@pytest.mark.slow
def test_many_threads_write_at_once(tmp_path: Path, caller_of: Any) -> None:
    with LocalServer(data=tmp_path) as server:

        @server.model("me/words")
        def words() -> Iterator[str]:
            yield from "abc"

        call = caller_of(server)

        def run() -> None:
            for _ in range(5):
                call.create("me/words", {}, Prefer="wait=5")

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        call.session.close()
    with LocalServer(data=tmp_path) as server:
        assert [job.output for job in server.jobs.all()] == [["a", "b", "c"]] * 40
    rows = sqlite3.connect(tmp_path / "replicate.db").execute(
        "SELECT count(*) FROM records WHERE kind = 'schemas'"
    )
    assert rows.fetchone() == (1,)
