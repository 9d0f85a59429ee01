"""All pages of a server, and how a page says that something is wrong."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..routes.context import Route
from ..routes.problems import APIError
from .context import WebContext
from .model_pages import ModelPages
from .prediction_pages import PredictionPages
from .rendering import page, see_other
from .session_pages import SessionPages
from .traffic_pages import TrafficPages

_GROUPS = (ModelPages, PredictionPages, TrafficPages, SessionPages)


def page_routes(context: WebContext) -> list[Route]:
    """Return the routes of every page."""
    return [route for group in _GROUPS for route in group(context).routes()]


def error_page(error: APIError) -> Response:
    """Return the page for an error; without the token it is the login."""
    if error.status == 401:
        return see_other("/login")
    return page("not_found.html", error.status, detail=error.body["detail"])
