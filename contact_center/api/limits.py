"""How often one address may do something. Counted in memory by each process, so that nobody outside makes us write."""

from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


def holder_of(address: str) -> str:
    """Whoever has one IPv6 address has the 2^64 of its network: they share a budget."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((int(parsed) >> 64 << 64, 64)))
    return address


class PostLimits:
    """What comes to public doors, by account and address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allows(self, account_id: int, address: str, per_minute: int) -> bool:
        """Count a request; False when there were too many within a minute."""
        if per_minute <= 0:
            return True
        return self._limiter.hit(RateLimitItemPerMinute(per_minute), str(account_id), holder_of(address))
