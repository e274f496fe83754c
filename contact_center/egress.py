"""Going out on behalf of strangers: only to public addresses, checked when the connection is made, not when the name is read.

Checking the socket's real destination leaves no gap for a name that resolves twice, for redirects, or for odd spellings of
an address.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
MAX_REDIRECTS = 3
NOT_PUBLIC = "is not a public address"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_SHARED = ipaddress.ip_network("100.64.0.0/10")
# Clouds tell a machine's credentials here. One of them has the looks of a public address, others those of a private one.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)


class Forbidden(OSError):
    """The destination is not a public address."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, in any of its spellings."""
    try:
        parsed = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if parsed in _METADATA:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        # The rest of the space is unassigned or translates to addresses of other kinds.
        if parsed not in _GLOBAL_UNICAST:
            return False
    return parsed.is_global and not parsed.is_multicast


def is_near_or_public(address: str) -> bool:
    """Whether an address is public or one of a private network: never what serves only its own link, such as a cloud's metadata."""
    try:
        parsed = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed in _METADATA:
        return False
    near = (parsed.is_private or parsed in _SHARED) and not (parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast)
    return near or is_public(address)


def guarded_session(*, private: bool = False, limit: int = 20, keep_alive: bool = False) -> aiohttp.ClientSession:
    """An HTTP client without cookies that cannot reach anything but public addresses; with `private` those of closed networks too."""
    factory = _near_socket if private else _public_socket
    connector = aiohttp.TCPConnector(
        socket_factory=factory, limit=limit, force_close=not keep_alive, keepalive_timeout=10 if keep_alive else None
    )
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=TIMEOUT, trust_env=False)


def _public_socket(info: Any) -> socket.socket:
    return _socket(info, is_public)


def _near_socket(info: Any) -> socket.socket:
    return _socket(info, is_near_or_public)


def _socket(info: Any, allowed: Callable[[str], bool]) -> socket.socket:
    family, kind, protocol, _, destination = info
    if not allowed(str(destination[0])):
        raise Forbidden(f"{destination[0]} {NOT_PUBLIC}")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made
