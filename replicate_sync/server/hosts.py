"""Whether a host is this machine, or another one."""

from __future__ import annotations

import functools
import ipaddress


@functools.lru_cache(maxsize=256)
def loopback(host: str | None) -> bool:
    """Return whether a host is this machine and no other.

    Args:
        host: A name or an address, without a port and without the brackets of IPv6.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
