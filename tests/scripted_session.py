"""A session of requests that sends nothing: a function responds, in the same process."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body of a response."""


class _ScriptedAdapter(BaseAdapter):
    def __init__(self, respond: Callable[[requests.PreparedRequest], Reply]) -> None:
        super().__init__()
        self._respond = respond

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        status, headers, body = self._respond(request)
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.request = request
        response.url = str(request.url)
        response.raw = urllib3.HTTPResponse(
            BytesIO(body), headers=headers, status=status, preload_content=False
        )
        return response

    def close(self) -> None:
        pass


def scripted_session(respond: Callable[[requests.PreparedRequest], Reply]) -> requests.Session:
    """Return a session whose requests get what this function returns."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _ScriptedAdapter(respond))
    return session


def is_event_stream(request: requests.PreparedRequest) -> bool:
    """Return whether a request asks for an event stream."""
    return "event-stream" in str(request.headers.get("Accept"))
