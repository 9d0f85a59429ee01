"""The suite on a CPython that has no sockets, threads or processes; `.ci/python314` starts it.

No list says which tests can run. A test is skipped when it opens a socket or starts a thread or a
process, and a test file when it imports a module that cannot be installed here.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import socket
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NoReturn

import pytest

AT_LEAST = 300  # tests: if fewer pass in a whole run, too much is skipped


def main(arguments: list[str]) -> int:
    """Run pytest, compile and import everything, and return the exit code."""
    print(f"Python {sys.version.partition(' ')[0]} on {sys.platform}")
    refuse_what_is_not_here()
    import_urllib3()

    plugin = Suite()
    # A test that is skipped in its middle closes nothing.
    options = ["-p", "no:cacheprovider", "-n0", "-W", "ignore::ResourceWarning"]
    code = int(pytest.main([*options, *arguments], plugins=[plugin]))
    if code == 0 and not arguments and plugin.passed < AT_LEAST:
        print(f"Only {plugin.passed} tests ran and passed, where {AT_LEAST} should: see the skips.")
        code = 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        print(f"{compile_files()} files compiled without a warning")
        print(f"{import_modules()} modules imported")
    return code


def refuse_what_is_not_here() -> None:
    """Skip the test that opens a socket, or starts a thread or a process."""
    socket.socket.__init__ = skip_for("sockets")  # type: ignore[method-assign]
    socket.getaddrinfo = skip_for("sockets")
    threading.Thread.start = refuse_thread  # type: ignore[method-assign]
    subprocess.Popen.__init__ = skip_for("processes")  # type: ignore[method-assign]


def refuse_thread(thread: threading.Thread) -> NoReturn:
    """Skip the test that starts a thread. What is imported in one is imported without it."""
    if thread.name.startswith("import-"):
        raise RuntimeError("can't start new thread")
    pytest.skip("no threads here")


def skip_for(what: str) -> Callable[..., NoReturn]:
    """Return a function that skips the test that calls it."""

    def skip(*args: object, **kwargs: object) -> NoReturn:
        pytest.skip(f"no {what} here")

    return skip


def import_urllib3() -> None:
    """Import urllib3 as it is on other platforms: on this one it sends requests by JavaScript."""
    here = sys.platform
    sys.platform = "linux"
    importlib.import_module("urllib3")
    sys.platform = here


def is_not_here(module: str) -> bool:
    """Return whether a module is one that cannot be installed here."""
    return module.partition(".")[0] in os.environ["NO_MODULES"].split()


class Suite:
    """A pytest plugin that skips the files that cannot be imported here, and counts."""

    passed = 0

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, Any]:
        """Turn the error of a missing module into a skip."""
        report = yield
        error = str(report.longrepr)
        missing = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", error)
        if report.failed and missing and is_not_here(missing[1]):
            report.outcome = "skipped"
            report.longrepr = (str(collector.path), 0, f"Skipped: no {missing[1]} here")
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count the tests that passed."""
        self.passed += report.when == "call" and report.passed

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print how many tests each missing thing costs."""
        skipped = terminalreporter.stats.get("skipped", [])
        reasons = Counter(report.longrepr[2] for report in skipped)
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count} {reason}")


def compile_files() -> int:
    """Compile every file of the checkout, and return how many there are."""
    paths = sorted(Path().glob("[!.]*/**/*.py"))
    for path in paths:
        compile(path.read_bytes(), str(path), "exec")
    return len(paths)


def import_modules() -> int:
    """Import every module of the package, and return how many there are."""
    package = importlib.import_module("replicate_sync")
    count = 0
    for module in pkgutil.walk_packages(package.__path__, "replicate_sync."):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if not is_not_here(error.name or ""):
                raise
        else:
            count += 1
    return count
