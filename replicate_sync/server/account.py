"""The one account of a server, which owns all that clients create."""

from __future__ import annotations

from .json_types import JSONObject

USERNAME = "local"
ACCOUNT: JSONObject = {
    "type": "user",
    "username": USERNAME,
    "name": "Local",
    "github_url": "https://github.com/local",
    "avatar_url": "https://github.com/local.png",
}
