"""The page that asks for the token, where that is needed; and scripts and styles."""

from __future__ import annotations

import hmac

from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Response

from ..routes.access import SESSION_COOKIE, session_value
from ..routes.context import Route, RouteGroup
from ..routes.current_request import request
from .context import WebContext
from .rendering import STATIC, page, see_other


class SessionPages(RouteGroup[WebContext]):
    """Responds to the requests for the login, scripts and styles."""

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("GET", "/login", "web-login", self.ask),
            Route("POST", "/login", "web-login", self.log_in),
            Route("GET", "/static/<name>", "web-static", self.static),
        ]

    def ask(self) -> Response:
        """Ask for the token."""
        return page("login.html", wrong=False)

    def log_in(self) -> Response:
        """Set the cookie that stands for the token."""
        token = request.form.get("token", "")
        if not hmac.compare_digest(token.encode(), self._context.token.encode()):
            return page("login.html", 403, wrong=True)
        response = see_other("/")
        response.set_cookie(
            SESSION_COOKIE, session_value(self._context.token), httponly=True, samesite="Strict"
        )
        return response

    def static(self, name: str) -> Response:
        """Send a script, the styles or the icon."""
        response = send_from_directory(STATIC, name, request.environ, max_age=0)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
