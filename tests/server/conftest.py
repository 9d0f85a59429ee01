"""A local server with a short idle timeout, and a plain HTTP client for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from replicate_sync.server import LocalServer


class Caller:
    """Sends requests to a server, with its token."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {server.token}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(
            path if path.startswith("http") else self.server.origin + path, timeout=5, **options
        )

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith("http") else self.server.origin + path
        return self.session.post(url, data=data, headers=named, timeout=5)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.server.origin + path, timeout=5, **options)

    def create(self, version: str, input: dict[str, Any], **headers: str) -> dict[str, Any]:
        response = self.post("/v1/predictions", {"version": version, "input": input}, **headers)
        assert response.status_code == 201, response.text
        return response.json()

    def run(self, version: str, input: dict[str, Any] | None = None) -> dict[str, Any]:
        made = self.create(version, input or {}, Prefer="wait=5")
        return self.get(made["urls"]["get"]).json()

    def until(
        self, prediction: dict[str, Any], right: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Poll until the prediction is as it should be, at most for five seconds."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            body = self.get(prediction["urls"]["get"]).json()
            if right(body):
                return body
            time.sleep(0.005)
        raise AssertionError(body)

    def events(self, prediction: dict[str, Any], **headers: str) -> bytes:
        """Return the stream of a prediction that is over, until the server closes it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        idle_timeout = self.server.idle_timeout
        self.server.idle_timeout = 0.02  # there is nothing more to come
        try:
            return requests.get(prediction["urls"]["stream"], headers=named, timeout=5).content
        finally:
            self.server.idle_timeout = idle_timeout


@pytest.fixture
def local() -> Iterator[LocalServer]:
    with LocalServer(idle_timeout=0.2) as server:
        yield server


@pytest.fixture
def call(local: LocalServer) -> Iterator[Caller]:
    caller = Caller(local)
    yield caller
    caller.session.close()


@pytest.fixture
def caller_of() -> Callable[[LocalServer], Caller]:
    return Caller
