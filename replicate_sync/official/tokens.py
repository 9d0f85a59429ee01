"""Where the token of a client comes from, besides its arguments and the environment.

Within a predictor of Cog, the token of whoever has asked for the present prediction comes first, as
it does with the official client. A prediction keeps the token with which it was created.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ..exceptions import TOKEN_VARIABLE
from ..http.config import Token


def take_token(
    headers: Mapping[str, str] | None, api_token: Token | None
) -> tuple[dict[str, str], Token | None]:
    """Return headers without a token among them, and the token."""
    others = dict(headers or {})
    for name in list(others):
        if name.lower() == "authorization":
            api_token = Token.of(others.pop(name).rpartition(" ")[2])
    return others, api_token


def token_of_cog() -> Token | None:
    """Return the token in the context of Cog's current prediction; None where there is none."""
    cog = sys.modules.get("cog")  # imported already, where it runs this program
    if cog is None:
        return None
    try:
        for name, value in cog.current_scope().context.items():
            if name.upper() == TOKEN_VARIABLE:
                return Token.of(value)
    except Exception:  # no prediction is running, or this Cog has no contexts
        return None
    return None
