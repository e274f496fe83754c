"""Who a request comes from, and whose word is taken for it."""

import re
from ipaddress import ip_address, ip_network

from aiohttp import web

_WITH_PORT = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?|(?P<v4>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
PROXIES = web.AppKey("trusted_proxies", tuple)


def client_address(request: web.Request) -> str:
    """The client's address; X-Forwarded-For is believed only from proxies that the settings name."""
    peer = request.remote or ""
    trusted = request.app[PROXIES]
    if trusted and _is_within(peer, trusted):
        # Some proxies go on in the client's line, others add their own below it: all lines are one list.
        hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for hop in reversed([_without_port(part.strip()) for part in hops if part.strip()]):
            if not _is_within(hop, trusted):
                return hop[:64]
    return peer


def _without_port(hop: str) -> str:
    """Some proxies name the port too, another one for each connection: 192.0.2.1:4711, [2001:db8::1]:4711."""
    found = _WITH_PORT.fullmatch(hop)
    return (found["v6"] or found["v4"]) if found else hop


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    return _is_within(address, ("127.0.0.0/8", "::1/128"))


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ip_address(address)
        return any(parsed in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False
