"""Proof of work without a third party: a signed riddle, bound to one page of one form and to ten minutes.

The server keeps nothing. That a solution is used once is the ledger's doing: the nonce names the raw item.
"""

import hashlib
import secrets
from dataclasses import dataclass

from contact_center.keys import Keys

WINDOW = 600  # seconds a challenge is good for; the page fetches a new one before that
PURPOSE = "web form challenge"
MAX_SOLUTION = 20  # digits of the counter


class Refused(Exception):
    """The work is missing, too little, too old, or was done for something else. The page must begin anew."""


@dataclass(frozen=True, slots=True)
class Challenges:
    """Makes and judges the challenges of one page: a form, or one customer's private page."""

    keys: Keys
    scope: str
    """What they are good for; no challenge of one scope passes in another."""

    def issue(self, now: float, difficulty: int) -> str:
        """A new challenge."""
        said = f"{int(now)}.{difficulty}.{secrets.token_hex(16)}"
        return f"{said}.{self.keys.sign(PURPOSE, self._bound(said))}"

    def accept(self, challenge: str, solution: str, now: float) -> str:
        """The nonce of a solved challenge. Raises Refused."""
        said, _, code = challenge.rpartition(".")
        if len(challenge) > 120 or not self.keys.verify(PURPOSE, self._bound(said), code):
            raise Refused("forged")
        issued, difficulty, nonce = said.split(".")  # ours, so it has its three parts
        if not -60 <= now - int(issued) <= WINDOW:
            raise Refused("expired")
        if not (solution.isascii() and solution.isdigit() and len(solution) <= MAX_SOLUTION):
            raise Refused("no solution")
        if zero_bits(hashlib.sha256(f"{challenge}:{solution}".encode()).digest()) < int(difficulty):
            raise Refused("too little work")
        return nonce

    def _bound(self, said: str) -> str:
        return f"{self.scope}|{said}"


def zero_bits(digest: bytes) -> int:
    """How many zero bits a hash begins with."""
    return len(digest) * 8 - int.from_bytes(digest).bit_length()


def solve(challenge: str) -> str:
    """The smallest solution: what the page's script does, for clients that are no browser and for tests."""
    difficulty = int(challenge.split(".")[1])
    counter = 0
    while zero_bits(hashlib.sha256(f"{challenge}:{counter}".encode()).digest()) < difficulty:
        counter += 1
    return str(counter)
