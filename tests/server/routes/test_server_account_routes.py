"""The account."""

from __future__ import annotations

from typing import Any


def test_the_account_has_every_key(call: Any) -> None:
    account = call.get("/v1/account").json()
    assert set(account) == {"type", "username", "name", "github_url", "avatar_url"}
    assert all(isinstance(value, str) for value in account.values())
