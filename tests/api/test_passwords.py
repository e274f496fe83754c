"""Passwords: what is compared with where there is no account."""

import argon2
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from contact_center.api import passwords


@pytest.mark.parametrize("hasher", [PasswordHasher(), PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)], ids=["ours", "cheap"])
def test_nobodys_hash_is_a_hash_like_any_other(hasher: PasswordHasher) -> None:
    """It has the parameters of a real one, so that it takes as long to compare with; it is compared, not refused as unreadable; and no
    two are the same."""
    made, real = passwords.nobodys(hasher), hasher.hash("correct horse battery")
    assert argon2.extract_parameters(made) == argon2.extract_parameters(real)
    assert len(made) == len(real)
    with pytest.raises(VerifyMismatchError):
        hasher.verify(made, "correct horse battery")
    assert made != passwords.nobodys(hasher)
