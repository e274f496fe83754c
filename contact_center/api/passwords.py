"""Passwords: argon2id in a thread (a hash takes a third of a second), and the limits of guessing."""

import asyncio
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from contact_center.api.limits import holder_of
from contact_center.errors import Invalid, TooManyRequests

MIN_LENGTH = 10
MAX_LENGTH = 1000
# The most used passwords that are long enough; a longer list is for the deployment's own policy.
COMMON = {
    "1234567890", "12345678910", "0123456789", "password123", "password1234", "qwertyuiop", "1q2w3e4r5t", "1q2w3e4r5t6y", "qwerty12345",
    "1111111111", "0000000000", "9876543210", "administrator", "contactcenter", "contact_center", "йцукенгшщз", "пароль12345", "1qaz2wsx3edc",
    "letmein1234", "welcome1234", "changeme123", "iloveyou123", "qwerty123456", "passw0rd123", "admin12345", "abcdefghij",
}  # fmt: skip

_hasher = PasswordHasher()
# Two at once: each takes a core and 64 MiB for a third of a second.
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")


def nobodys(hasher: PasswordHasher) -> str:
    """A hash that no password has, and that takes as long to compare with as any other. Made up: to hash takes a third of a second, which
    every start of the program would wait for."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"


# Unknown accounts take as long as known ones.
_DUMMY = nobodys(_hasher)


def check_strength(password: str, email: str) -> None:
    """Refuse what is guessed first. Raises Invalid. No composition rules: length is what counts."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid(f"A password needs at least {MIN_LENGTH} characters.", field="password")
    if password.lower() in COMMON or password.lower() in (email.lower(), email.partition("@")[0].lower()):
        raise Invalid("This password is among the first that anybody would try.", field="password")


async def hash_password(password: str) -> str:
    """An argon2id hash."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether the password is right; takes the same time when there is none."""
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_threads, _verify, stored or _DUMMY, password[:MAX_LENGTH])
    return right and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class LoginLimits:
    """Attempts per account-and-address, per address, and in all; strangers cannot lock a colleague out everywhere."""

    def __init__(self, per_minute: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._pair = RateLimitItemPerMinute(per_minute)
        self._address = RateLimitItemPerMinute(per_minute * 5)
        self._all = RateLimitItemPerMinute(per_minute * 60)
        self._told = RateLimitItemPerMinute(1)

    def count(self, email: str, address: str) -> None:
        """Count an attempt. Raises TooManyRequests when one of the budgets is spent."""
        address = holder_of(address)
        budgets = ((self._pair, f"{email}|{address}"), (self._address, address), (self._all, "all"))
        if not all(self._limiter.hit(item, key) for item, key in budgets):
            raise TooManyRequests(retry_after=60)

    def is_news(self, email: str, address: str) -> bool:
        """Whether this minute has not yet told of a refusal of this account to this address."""
        return self._limiter.hit(self._told, email, holder_of(address)) and self._limiter.hit(RateLimitItemPerMinute(60), "told")
