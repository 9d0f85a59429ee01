"""The operations on the account: itself, the hardware it may use, and its webhook secret."""

from __future__ import annotations

from werkzeug.wrappers import Response

from ..local_account import ACCOUNT, HARDWARE
from .context import Route, RouteGroup, ServerContext
from .json_responses import json_response


class AccountRoutes(RouteGroup[ServerContext]):
    """Responds to the requests about the account.

    API: https://replicate.com/docs/reference/http#account.get
    """

    def routes(self) -> list[Route]:
        """Return the routes of this group."""
        return [
            Route("GET", "/v1/account", "account", self.show),
            Route("GET", "/v1/hardware", "hardware", self.hardware),
            Route("GET", "/v1/webhooks/default/secret", "secret", self.webhook_secret),
        ]

    def show(self) -> Response:
        """Show the account."""
        return json_response(ACCOUNT)

    def hardware(self) -> Response:
        """List the kinds of machine."""
        return json_response(HARDWARE)

    def webhook_secret(self) -> Response:
        """Show the secret that webhooks are signed with."""
        return json_response({"key": self._context.webhook_secret})
