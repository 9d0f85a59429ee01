"""The request that is responded to, for what is called on the way."""

from __future__ import annotations

from contextvars import ContextVar

from werkzeug.local import LocalProxy

from .multipart_request import MultipartRequest

current_request: ContextVar[MultipartRequest] = ContextVar("current_request")
"""The request of this thread; there is one only until its response begins."""
request: MultipartRequest = LocalProxy(current_request)  # type: ignore[assignment]
"""That request, as whatever looks at it sees it."""
