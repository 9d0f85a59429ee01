"""The one account of a server: it owns all that is made there."""

from __future__ import annotations

from typing import Any

from flask import Response

from .context import Route, ServerContext
from .json_responses import answer

ACCOUNT: dict[str, Any] = {
    "type": "user",
    "username": "local",
    "name": "Local",
    "github_url": "https://github.com/local",
    "avatar_url": "https://github.com/local.png",
}
USERNAME = "local"


class AccountRoutes:
    """Responds to the requests that are about the account."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context

    def routes(self) -> list[Route]:
        """Return every route of this group."""
        return [
            Route("GET", "/v1/account", "account", self.show),
            Route("GET", "/v1/webhooks/default/secret", "secret", self.secret),
        ]

    def show(self) -> Response:
        """Show the account."""
        return answer(ACCOUNT)

    def secret(self) -> Response:
        """Show the key that webhooks are signed with."""
        return answer({"key": self.context.webhook_secret})
