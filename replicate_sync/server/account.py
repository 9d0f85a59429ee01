"""The one account of a server: it owns all that is made there."""

from __future__ import annotations

from typing import Any

ACCOUNT: dict[str, Any] = {
    "type": "user",
    "username": "local",
    "name": "Local",
    "github_url": "https://github.com/local",
    "avatar_url": "https://github.com/local.png",
}
USERNAME = "local"
