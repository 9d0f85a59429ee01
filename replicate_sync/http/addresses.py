"""Where files may be downloaded from: a model's output must not make this machine read its network.

A file is downloaded from public addresses, from the API's own origin, and from the hosts that the
caller allows. The address that is examined is the one that is connected to: a name is resolved
once, by the connection itself (see `adapter`), and so is that of each redirect. An example, with
the API at http://127.0.0.1:5000:

    https://replicate.delivery/x.png      every address of it must be public
    http://127.0.0.1:5000/files/x.png     the API's own origin
    http://127.0.0.1:8080/admin           refused before anything is sent
    http://169.254.169.254/latest         refused: where clouds keep their keys

Two things cannot be examined here. Behind a proxy it is the proxy that resolves names and connects,
and this machine's own DNS may know none of them: only an address that is written in the URL, and
names that are kept for local networks, are refused. A session of the caller's connects by itself;
the address is then examined before the response is read.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ..exceptions import ConnectionFailed, InvalidInputError
from .config import ApiConfig, origin

if TYPE_CHECKING:
    from typing import Protocol

    class _Connection(Protocol):
        host: str

        @property
        def port(self) -> int | None: ...


_EMBEDDING_NETWORK = "64:ff9b::/96"  # of IPv4 addresses, behind a NAT64
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
# Domains that are kept for local networks, by RFC 2606, 6761, 6762, 8375 and ICANN.
_LOCAL_DOMAINS = (
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
    "test",
)
# What some versions of Python, or the registries, take for public, and is not for files.
_SPECIAL_NETWORKS = (
    "168.63.129.16/32",  # Azure's own services
    "192.0.0.0/24",  # protocols; Oracle's metadata
    "192.88.99.0/24",  # relays of 6to4
    "3fff::/20",  # documentation
)
_ANY_HOST = "*"


class AddressRefused(Exception):
    """A file would be downloaded from an address that is not public.

    It is no OSError, so that nothing below takes it for a connection that failed.

    Args:
        host: The host, as the URL has it.
        address: What the host is, in words or as an address.
    """

    def __init__(self, host: str, address: str) -> None:
        super().__init__(host, address)
        self.host = host
        self.address = address

    def to_error(self, purpose: str) -> ConnectionFailed:
        """Return the error that the caller gets.

        Args:
            purpose: The request in words.
        """
        where = self.host
        if self.address != self.host:
            where = f"{self.host} ({self.address})"
        return ConnectionFailed(
            f"Nothing was read from {where}: files are downloaded from public addresses and from "
            f"the API's own host only (during {purpose}).",
            hint=f"If models may name files there, pass file_hosts=[{self.host!r}] to the client.",
        )


class FileHosts:
    """The hosts that are trusted to be downloaded from whatever their addresses are.

    Args:
        config: Where the API is.
        allowed: Further hosts: "host", "host:port", or "*" for any.

    Raises:
        InvalidInputError: They are not a list of names.
    """

    def __init__(self, config: ApiConfig, allowed: Iterable[str] = ()) -> None:
        is_list = isinstance(allowed, Iterable) and not isinstance(allowed, str)
        names = tuple(allowed) if is_list else ()
        if not is_list or not all(isinstance(name, str) for name in names):
            raise InvalidInputError(
                f"file_hosts is a list of hosts, such as ['files.example'], not {allowed!r}."
            )
        self._config = config
        self._allowed = frozenset(name.lower() for name in names)

    def trusts(self, url: str) -> bool:
        """Return whether a URL is on the API's own origin, or on an allowed host."""
        target = origin(url)
        if target is None or target != origin(_normalized(url)):
            return False  # what parsers read in different ways is not trusted
        scheme, host, port = target
        if self._allowed & {_ANY_HOST, host, f"{host}:{port}"}:
            return True
        try:
            home = origin(self._config.url)
        except InvalidInputError:
            return False
        if home is None or (scheme, port) != (home[0], home[2]):
            return False
        return host == home[1] or (_is_loopback(host) and _is_loopback(home[1]))


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the public internet, and not of a local network."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    embedded = _embedded_address(ip)
    if embedded is not None:
        ip = embedded
    is_special = ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False)
    is_special = is_special or any(ip in _network(text) for text in _SPECIAL_NETWORKS)
    return ip.is_global and not is_special


def refuse_written_address(url: str) -> None:
    """Refuse a URL whose host is written as an address that is not public, or is this machine.

    Raises:
        AddressRefused: It is.
        ValueError: It is no URL of http, which a session of the caller's may have other plans with.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("not a URL of http")
    host = _host_of(url)
    if host.rstrip(".") in _LOCAL_NAMES or host.rstrip(".").endswith(".localhost"):
        raise AddressRefused(host, "this machine")
    address = _written_address(host)
    if address is not None and not is_public(address):
        raise AddressRefused(host, address)
    if address is None and _is_local_name(host.rstrip(".")):
        raise AddressRefused(host, "a name of a local network")


def _is_local_name(name: str) -> bool:
    """Return whether a name has no domain, or one of a local network."""
    return "." not in name or name.endswith(tuple(f".{domain}" for domain in _LOCAL_DOMAINS))


def refuse_private_peer(connection: object, url: str) -> None:
    """Refuse the other end of an open connection, where that is known and not public.

    Args:
        connection: The connection of a response, which may be made by any adapter.
        url: The URL that was requested.

    Raises:
        AddressRefused: It is not.
    """
    try:
        peer = connection.sock.getpeername()[0]  # type: ignore[attr-defined]
        ip_address(peer.partition("%")[0])
    except (AttributeError, OSError, TypeError, ValueError, LookupError):
        return  # no connection of IP
    if not is_public(peer):
        raise AddressRefused(_host_of(url), peer)


def connect_to_public(connection: _Connection, connect: Callable[[], socket.socket]) -> Any:
    """Return a socket that is connected to a public address of a connection's host.

    The name is resolved here, once, and what is connected to are the addresses that were found.

    Args:
        connection: The connection, whose host is an address while `connect` is called.
        connect: Connects to the connection's host.

    Raises:
        AddressRefused: An address of the host is not public.
        Exception: What `connect` raises for the last of the addresses.
    """
    host = connection.host
    try:
        found = socket.getaddrinfo(host.strip("[]"), connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []  # `connect` raises what it makes of that
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_public(address):
            raise AddressRefused(host, address)
    last_error: Exception | None = None
    for address in addresses or [host]:
        connection.host = address
        try:
            connected = connect()
        except Exception as error:
            last_error = error
            continue
        finally:
            connection.host = host
        peer = str(connected.getpeername()[0])
        if is_public(peer):
            return connected
        connected.close()
        raise AddressRefused(host, peer)
    assert last_error is not None
    raise last_error


@cache
def _network(text: str) -> IPv4Network | IPv6Network:
    """Return a network; the first time it is needed, as most programs download nothing."""
    return ip_network(text)


def _embedded_address(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that packets to an IPv6 address end at, if it is made of one."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _network(_EMBEDDING_NETWORK):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo
    return ip.ipv4_mapped or ip.sixtofour or (teredo and teredo[1])


def _written_address(host: str) -> str | None:
    """Return the address that a host is written as, also as in "0x7f.1"; None for a name."""
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES


def _normalized(url: str) -> str:
    """Return a URL as urllib3 understands it; "" where it does not."""
    try:
        return str(parse_url(url))
    except LocationParseError:
        return ""


def _host_of(url: str) -> str:
    """Return the host that urllib3 would connect to, in lower case; "" where there is none."""
    try:
        host = parse_url(url).host
    except LocationParseError:
        return ""
    return (host or "").strip("[]").lower()
