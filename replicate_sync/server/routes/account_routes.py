"""The operations on the account: itself, the hardware it may use, and its webhook secret."""

from __future__ import annotations

from ..local_account import ACCOUNT, HARDWARE
from .context import Route, RouteGroup, ServerContext
from .json_responses import json_response
from .plain_response import PlainResponse


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

    def show(self) -> PlainResponse:
        """Show the account."""
        return json_response(ACCOUNT)

    def hardware(self) -> PlainResponse:
        """List the kinds of machine."""
        return json_response(HARDWARE)

    def webhook_secret(self) -> PlainResponse:
        """Show the secret that webhooks are signed with."""
        return json_response({"key": self._context.webhook_secret})
