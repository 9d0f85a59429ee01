"""The account of the token, as the official client has it."""

from __future__ import annotations

from typing import Literal

from .resource import Namespace, Resource


class Account(Resource):
    """A user or an organization."""

    type: Literal["user", "organization"]
    username: str
    name: str
    github_url: str | None


class Accounts(Namespace):
    """Accounts: `current`."""

    def current(self) -> Account:
        """Return the account of the token.

        Raises:
            ReplicateError: The API refused.
        """
        return Account(**self._client.request("GET", "/account"))
