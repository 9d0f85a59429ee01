"""How pages are rendered: by Jinja, which escapes everything, and with strict headers."""

from __future__ import annotations

import functools
import pathlib
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from ..routes.current_request import request

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC: pathlib.Path = pathlib.Path(__file__).parent / "static"
"""The folder of scripts and styles."""
_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(template: str, status: int = 200, **values: object) -> Response:
    """Return a page.

    Args:
        template: The file name of its template.
        status: The status code.
        values: What the template shows.
    """
    text = fragment(template, path=request.path, **values)
    # Half of a surrogate pair, which a model may return, becomes a question mark.
    data = text.encode("utf-8", "replace")
    response = Response(data, status, content_type="text/html; charset=utf-8")
    response.headers.update(_HEADERS)
    return response


def see_other(path: str) -> Response:
    """Return the response that leads to another page after a form."""
    return Response(status=303, headers={"Location": path})


def fragment(template: str, **values: object) -> str:
    """Return a part of a page."""
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> Environment:
    # Late, as few servers show a page.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(clock=_clock, duration=_duration, local=_local, size=_size)
    return environment


def _clock(time: datetime) -> str:
    return time.astimezone().strftime("%H:%M:%S")


def _local(url: str) -> str:
    """Return the path of one of the server's own files, as the page may have another origin."""
    _, slash, rest = url.partition("/outputs/")
    if url.startswith("data:") or not slash:
        return url
    return slash + rest


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"
