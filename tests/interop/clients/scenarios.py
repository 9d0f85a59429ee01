"""Runs the scenarios of a script, each a function named `it_…`, and says on the last line how they ended."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

PIECES = ["Once", " upon", "\n", "", "a\nb", " \N{SNOWMAN}"]  # what the model me/words streams


def run(names: dict[str, Any]) -> None:
    """Run every scenario among these names, one after the other; prints a traceback for each that fails."""
    ended: dict[str, str] = {}
    for name, scenario in names.items():
        if name.startswith("it_"):
            try:
                asyncio.run(scenario()) if inspect.iscoroutinefunction(scenario) else scenario()
                ended[name] = "passed"
            except BaseException:
                ended[name] = traceback.format_exc()
    print(json.dumps(ended))


def raised(kind: type[BaseException], call: Callable[[], Any]) -> Any:
    """Give the error of this kind that a call raises."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


@contextmanager
def mailbox() -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    """Listen for webhooks: gives the URL to name, and the queue of headers and body of what came."""
    received: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            received.put((dict(self.headers), body))

        def log_message(self, *about: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Box)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        server.server_close()
