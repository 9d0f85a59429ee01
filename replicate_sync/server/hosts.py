"""Where a URL leads: to this machine, or away from it."""

from __future__ import annotations

import ipaddress


def loopback(host: str | None) -> bool:
    """Tell whether a host, by name or by number, is this machine and no other."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
