"""Who a request comes from, and whose word is taken for it."""

from ipaddress import ip_address, ip_network

from aiohttp import web

PROXIES = web.AppKey("trusted_proxies", tuple)


def client_address(request: web.Request) -> str:
    """The client's address; X-Forwarded-For is believed only from proxies that the settings name."""
    peer = request.remote or ""
    trusted = request.app[PROXIES]
    if trusted and _is_within(peer, trusted):
        # Some proxies go on in the client's line, others add their own below it: all lines are one list.
        hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        for hop in reversed([part.strip() for part in hops if part.strip()]):
            if not _is_within(hop, trusted):
                return hop[:64]
    return peer


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    return _is_within(address, ("127.0.0.0/8", "::1/128"))


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ip_address(address)
        return any(parsed in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False
