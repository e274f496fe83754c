"""What may stand as the address of an endpoint. Where it really leads is checked at the socket, at every attempt."""

import ipaddress
from urllib.parse import urlsplit

from contact_center.egress import is_near_or_public, is_public
from contact_center.errors import Invalid


def check_url(url: str, *, private: bool) -> str:
    """The address as it is stored. Raises Invalid with `field="url"` and, for the console, a `reason`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("This is not an address.", "address") from None
    if not host or parts.scheme not in ("http", "https") or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise _refused("This is not an address.", "address")
    if parts.username is not None or parts.fragment:
        raise _refused("An address with a user name or a fragment is not sent to; signatures prove who sends.", "address")
    if parts.scheme != "https" and not private:
        raise _refused("Only https addresses are sent to; webhooks.allow_private_networks opens closed networks.", "https")
    if _is_inside(host, private=private):
        raise _refused("This address is inside a private network; webhooks.allow_private_networks opens closed networks.", "private")
    return url


def _is_inside(host: str, *, private: bool) -> bool:
    """What can be said without asking anybody for the name."""
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        return not private and (host == "localhost" or host.endswith((".localhost", ".local", ".internal")))
    return not (is_near_or_public(address) if private else is_public(address))


def _refused(words: str, reason: str) -> Invalid:
    return Invalid(words, field="url", reason=reason)
