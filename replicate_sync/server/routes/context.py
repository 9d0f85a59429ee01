"""What the routes know of the server that they belong to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from werkzeug.sansio.utils import get_current_url
from werkzeug.wrappers import Response

from ..catalog import Catalog
from ..deployments import Deployments
from ..jobs import Jobs
from ..models import Registry
from ..uploads import Uploads
from ..webhooks import WebhookLog, WebhookTiming
from .current_request import current_request
from .plain_response import AnyResponse

_Context = TypeVar("_Context", bound="ServerContext")


class ServerContext(Protocol):
    """The settings and the state of one server, as far as its routes need them.

    Settings may change while the server runs, so routes read them for each request. `LocalServer`
    says what they mean.
    """

    host: str
    token: str
    allowed_hosts: Collection[str]
    idle_timeout: float
    sync_status: Literal["succeeded", "processing"]
    inline_files: bool
    file_limit: int
    webhook_secret: str
    webhook_timing: WebhookTiming
    webhook_log: WebhookLog
    file_secret: str
    models: Registry
    catalog: Catalog
    deployments: Deployments
    uploads: Uploads
    jobs: Jobs
    is_recording: bool

    def respond_instead(self) -> Response | None:
        """Return the response of a recording to the current request, or None for our own."""

    def stopped(self) -> bool:
        """Return whether the server is not serving."""


class Route(NamedTuple):
    """One operation of the API.

    Attributes:
        method: The HTTP method.
        path: The path, with parameters as Werkzeug has them.
        kind: A name, by which the headers about rate limits are chosen.
        view: Returns the response; its arguments are the path's parameters.
    """

    method: str
    path: str
    kind: str
    view: Callable[..., AnyResponse]


class RouteGroup(Generic[_Context]):
    """Responds to the requests for a group of routes, which its `routes` returns.

    Args:
        context: The server.
    """

    def __init__(self, context: _Context) -> None:
        self._context = context


def request_origin() -> str:
    """Return scheme, host and port of the server as the client of this request knows them."""
    request = current_request.get()
    return _origin(request.scheme, request.host)


@functools.lru_cache(maxsize=64)
def _origin(scheme: str, host: str) -> str:
    return get_current_url(scheme, host).rstrip("/")
