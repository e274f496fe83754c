"""Signatures as the Standard Webhooks specification has them, and the schedule of attempts."""

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_center.webhooks import schedule, signing

# Published with the specification's own libraries and text.
VECTORS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
]


def checks(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does, written apart from our own signing, after the specification."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given_ones = [each.partition(",") for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(value, right) for version, _, value in given_ones)


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_published_vectors(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    """The signatures that others publish come out, with the secret's prefix and without it."""
    assert signing.sign(secret, message_id, timestamp, body) == signature
    assert signing.sign(secret.removeprefix("whsec_"), message_id, timestamp, body) == signature
    assert checks(secret, signing.headers([secret], message_id, timestamp, body), body)


messages = st.tuples(st.from_regex(r"msg_[a-z2-7]{1,40}", fullmatch=True), st.integers(0, 2**40), st.binary(max_size=2000))


@given(messages, messages)
def test_a_signature_checks_for_its_own_message_only(one: tuple[str, int, bytes], other: tuple[str, int, bytes]) -> None:
    """Whatever is sent, the receiver's check agrees; another id, time, body or secret never passes."""
    secret = signing.new_secret()
    headers = signing.headers([secret], *one)
    assert checks(secret, headers, one[2])
    assert not checks(signing.new_secret(), headers, one[2])
    moved = {"webhook-id": other[0], "webhook-timestamp": str(other[1]), "webhook-signature": headers["webhook-signature"]}
    assert checks(secret, moved, other[2]) == (one == other)


@given(messages)
def test_both_secrets_of_a_rotation_check(message: tuple[str, int, bytes]) -> None:
    """While two secrets are in force, a receiver with either one is content."""
    old, new = signing.new_secret(), signing.new_secret()
    headers = signing.headers([new, old], *message)
    assert checks(old, headers, message[2])
    assert checks(new, headers, message[2])


def test_a_secret_is_of_the_form_and_length_that_the_specification_asks() -> None:
    """`whsec_` and 24 to 64 random bytes."""
    made = {signing.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(each.startswith("whsec_") and 24 <= len(base64.b64decode(each[6:], validate=True)) <= 64 for each in made)


def test_retries_span_three_days() -> None:
    """Ten attempts, ever more slowly, over a little more than three days; no two endpoints in step."""
    delays = [schedule.next_delay(n) for n in range(1, 10)]
    planned = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert all(delay and want <= delay.total_seconds() <= want * 1.1 for delay, want in zip(delays, planned, strict=True))
    assert schedule.next_delay(10) is None
    assert timedelta(days=3) < sum(schedule.RETRIES, timedelta()) < timedelta(days=3.5)
    assert len({schedule.next_delay(5) for _ in range(20)}) > 1


def test_a_wait_that_is_asked_for_is_heeded_within_reason() -> None:
    """`Retry-After` lengthens a delay, up to an hour, and never shortens it."""
    assert schedule.next_delay(1, timedelta(minutes=10)) == timedelta(minutes=10)
    assert schedule.next_delay(1, timedelta(days=9)) == timedelta(hours=1)
    later = schedule.next_delay(9, timedelta(seconds=1))
    assert later
    assert later >= timedelta(hours=24)
