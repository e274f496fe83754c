"""Who asks: Twilio's signature over the address and the fields of a request.

The address is the one Twilio was given, as it was written. Proxies and libraries add or drop a port, so both spellings are
tried, as Twilio's own libraries do.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

BODY_HASH = "bodySHA256"
_PORTS = {"https": 443, "http": 80}


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """What Twilio puts into X-Twilio-Signature."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(token.encode(), signed.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_signed(token: str, url: str, fields: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether a form was signed with our token, in constant time."""
    fields = tuple(fields)
    answers = [hmac.compare_digest(signature(token, each, fields).encode(), given.encode("utf-8", "replace")) for each in _spellings(url)]
    return bool(token) and any(answers)


def is_signed_body(token: str, url: str, body: bytes, given: str) -> bool:
    """The same for a body that is no form: the signed address carries its hash."""
    stated = parse_qs(urlsplit(url).query).get(BODY_HASH, [""])[0]
    same = hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), stated.lower().encode("utf-8", "replace"))
    return same and is_signed(token, url, (), given)


def _spellings(url: str) -> list[str]:
    """The address as it is, without a port, and with the port of its scheme."""
    parts = urlsplit(url)
    user, at, server = parts.netloc.rpartition("@")
    bare = user + at + (server if server.endswith("]") else server.rpartition(":")[0] or server)
    ported = f"{bare}:{_PORTS.get(parts.scheme, 443)}"
    return list(dict.fromkeys((url, _with(url, parts.netloc, bare), _with(url, parts.netloc, ported))))


def _with(url: str, old: str, new: str) -> str:
    """The address with another server; nothing else in it may change, for every sign is signed."""
    return url.replace(f"//{old}", f"//{new}", 1)
