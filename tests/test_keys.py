"""The instance's secret: codes that only we can make, and a key that is whole or not there."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.errors import ConfigError
from contact_center.keys import Keys, forget_earlier, load_secret, load_secrets, new_token, renew_secret, token_hash

KEYS, OTHER = Keys("a secret of sixteen"), Keys("another of sixteen.")


@given(st.text(), st.text())
def test_a_code_is_ours_for_one_text_and_one_purpose(purpose: str, words: str) -> None:
    """It verifies for what it was made for, in either case, and for nothing else."""
    code = KEYS.sign(purpose, words) if _plain(purpose) else ""
    if not code:
        return
    assert KEYS.verify(purpose, words, code)
    assert KEYS.verify(purpose, words, code.upper())
    assert not KEYS.verify(purpose, words + "x", code)
    assert not KEYS.verify(purpose + "x", words, code)
    assert not OTHER.verify(purpose, words, code)


def _plain(value: str) -> bool:
    return value == value.encode("utf-8", "replace").decode()


def test_a_new_key_reads_what_earlier_ones_wrote(tmp_path: Path) -> None:
    """After a renewal old codes and secrets stay good, new ones are made with the new key, and forgetting ends the old."""
    path = tmp_path / "secret_key"
    old = Keys(*load_secrets(path))
    renew_secret(path)
    both = Keys(*load_secrets(path))
    code, stored = old.sign("link", "7"), old.encrypt("password")
    assert both.verify("link", "7", code)
    assert both.decrypt(stored) == "password"
    assert both.sign("link", "7") != code
    forget_earlier(path)
    alone = Keys(*load_secrets(path))
    assert not alone.verify("link", "7", code)
    assert alone.decrypt(both.encrypt("password")) == "password"
    with pytest.raises(ConfigError):
        alone.decrypt(stored)
    assert path.stat().st_mode & 0o077 == 0


@given(st.integers(1, 10**18 - 1))
def test_a_ticket_token_names_its_ticket(number: int) -> None:
    """Mail programs that change the case of an address do not break it."""
    token = KEYS.ticket_token(number)
    assert KEYS.ticket_of(token) == KEYS.ticket_of(token.upper()) == number
    assert OTHER.ticket_of(token) is None


@given(st.text())
def test_no_text_is_a_token_by_accident(token: str) -> None:
    """Anything may stand in an address; nothing of it raises, and nothing opens a ticket."""
    assert KEYS.ticket_of(token) is None
    assert KEYS.ticket_of(f"t5-{token}") is None
    assert not KEYS.verify("ticket", "5", token)


@given(st.text(st.characters(codec="utf-8")))
def test_stored_secrets_come_back_with_the_same_key_only(secret: str) -> None:
    """Another key, or an altered value, is an error that says so."""
    stored = KEYS.encrypt(secret)
    assert KEYS.decrypt(stored) == secret
    for keys, value in ((OTHER, stored), (KEYS, stored[:-6] + "AAAAAA"), (KEYS, "")):
        with pytest.raises(ConfigError):
            keys.decrypt(value)


def test_a_short_key_is_refused() -> None:
    """Nobody signs with a word."""
    with pytest.raises(ConfigError):
        Keys("short")


def test_tokens_are_random_and_stored_as_hashes() -> None:
    """No two are alike, and the hash does not contain them."""
    token = new_token("cc_")
    assert token.startswith("cc_")
    assert token != new_token("cc_")
    assert token not in token_hash(token)


def test_the_key_file_is_made_once_whole_and_private(tmp_path: Path) -> None:
    """Processes that start together agree on one key, which only the owner can read, and leave nothing else behind."""
    path = tmp_path / "data" / "secret_key"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(load_secret(path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert len(found[0]) >= 48
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret_key"]
    assert load_secret(path) == found[0]
