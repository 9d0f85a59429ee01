"""The account that the token belongs to."""

from __future__ import annotations

from .base import Record, Resource


class Account(Record):
    """An account: a user or an organization.

    Examples:
        >>> client.account.get().username
        'local'
    """

    type: str | None = None
    username: str | None = None
    name: str | None = None
    github_url: str | None = None
    avatar_url: str | None = None


class Accounts(Resource):
    """The account: `get`.

    Examples:
        >>> client.account.get().username
        'local'
    """

    def get(self) -> Account:
        """Return the account that the token belongs to.

        See https://replicate.com/docs/reference/http#account.get

        Raises:
            AuthenticationError: The token was refused.
            ConnectionFailed: There was no response; likewise any other ResponseError.

        Examples:
            >>> client.account.get().username
            'local'
        """
        return self._transport.request("GET", "/account", build=Account.from_json)
