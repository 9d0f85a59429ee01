"""Executes every block of the site: Python, and shell commands, on a local server."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

import replicate_sync
from replicate_sync import Polling, Replicate
from replicate_sync.server import LocalServer

ROOT = Path(__file__).parent.parent
BASH = ("bash", "-euo", "pipefail", "-c")
#: The port that a server has by default, or is given on a page.
PORT_OF = {"replicate-sync serve": "5005", "replicate-sync gateway": "5006", "cog.server": "5000"}
STARTS_A_SERVER = re.compile(rf"^(?:.* )?({'|'.join(map(re.escape, PORT_OF))})", re.MULTILINE)
IS_READY = re.compile("listening|Server ready")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Run a page in an empty folder, with a local server in place of Replicate."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("page"))
    # A reader's first polls are 5 s apart; nobody waits for that here.
    defaults = Replicate.__init__.__kwdefaults__
    patch.setitem(defaults, "polling", Polling(attempts=3000, delay=0.02))
    with replicate_sync.local() as client:
        patch.setenv("REPLICATE_BASE_URL", client.server.url)
        patch.setenv("REPLICATE_API_TOKEN", client.server.token)
        [picture] = client.run("black-forest-labs/flux-schnell", {"prompt": "a cat"})
        picture.save("cat.png")
        yield client.server
    patch.undo()


class Shell:
    """Runs the shell commands of one page. Its servers go on, as in other terminals.

    A server that is started with the port of an earlier one takes its place.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        self._ports = {port: str(free_port()) for port in ("5000", "5005", "5006")}
        bin_folder = Path(sys.executable).parent
        self._environment = {
            **os.environ,
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "BROWSER": "true",  # a command that opens nothing
        }

    def run(self, commands: str) -> str | None:
        """Run commands, each of which must succeed; return what failed."""
        started = STARTS_A_SERVER.search(commands)
        port = PORT_OF[started[1]] if started else None
        for written, free in self._ports.items():
            commands = re.sub(rf"(PORT=|127\.0\.0\.1:){written}\b", rf"\g<1>{free}", commands)
        if port is not None:
            return self._serve(commands, port)
        folder = None  # the current one
        if "pip install" in commands:  # in a checkout, as the page says
            folder = self._folder / "checkout"
            subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        done = subprocess.run(
            [*BASH, commands],
            cwd=folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode == 0:
            return None
        return f"exit code {done.returncode} of\n{commands}\n{done.stdout}{done.stderr}"

    def _serve(self, commands: str, port: str) -> str | None:
        """Start a server, and wait until it listens; return what failed."""
        self._stop(port)
        option = rf"exec \1 --port {self._ports[port]}"
        commands = re.sub(r"^(replicate-sync \w+)", option, commands, flags=re.MULTILINE)
        log = self._folder / f"{port}.log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                [*BASH, commands],
                env=self._environment,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers[port] = (process, log)
        give_up = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < give_up:
            if IS_READY.search(log.read_text(encoding="utf-8")):
                return None
            time.sleep(0.05)
        return f"exit code {process.poll()} of\n{commands}\n{log.read_text(encoding='utf-8')}"

    def _stop(self, port: str) -> None:
        if port not in self._servers:
            return
        process, log = self._servers.pop(port)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        written = log.read_text(encoding="utf-8")
        assert "Traceback" not in written, written

    def stop(self) -> None:
        """Stop all servers."""
        for port in list(self._servers):
            self._stop(port)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def shell(site: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Return what runs a page's shell commands."""
    shell = Shell(tmp_path_factory.mktemp("shell"))
    yield shell
    shell.stop()


def run_shell(example: Example) -> str | None:
    """Run a block of shell commands; return what failed."""
    shell: Shell = example.namespace["shell"]
    return shell.run(example.parsed)


pytest_collect_file = Sybil(
    parsers=[SkipParser(), PythonCodeBlockParser(), CodeBlockParser("sh", run_shell)],
    patterns=["*.md"],
    setup=lambda names: names.update(__name__="__main__", importlib=importlib),
    fixtures=["site", "shell"],
).pytest()
