"""Column types: what goes in comes out, the same on both engines, and what databases refuse never gets there."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from contact_center.model.tickets import Address
from contact_center.model.words import Status
from contact_center.store import Connection, Store, dump_json
from contact_center.store.repositories import access, channels

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("\x00\ud800\udfff\\u0"))
ANY_JSON = st.recursive(
    ANY_TEXT | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(ANY_JSON)
def test_whatever_is_dumped_can_be_read_again(value: Any) -> None:
    """The encoding of any document is valid JSON without U+0000 and lone surrogates."""
    again = orjson.loads(dump_json(value))
    assert "\\u0000" not in orjson.dumps(again).decode().replace("\\\\", "")


def test_a_backslash_before_u0000_is_text_and_stays() -> None:
    """Six characters that look like an escaped NUL are not one."""
    assert orjson.loads(dump_json({"subject": "\\u0000 and \x00"})) == {"subject": "\\u0000 and "}


def test_values_of_the_model_are_cleaned_too() -> None:
    """Dataclasses and enums with broken text are written like plain ones."""
    assert orjson.loads(dump_json({"a": Address("\x00I\udc80", "i@x"), "s": Status.OPEN})) == {
        "a": {"name": "I\ufffd\ufffd\ufffd", "email": "i@x"},
        "s": "open",
    }


def beginnings(connection: Connection, name: str = "Default", options: Any = None, at: datetime = NOW) -> int:
    project_id = access.add_project(connection, "default", name)
    queue_id = access.add_queue(connection, project_id, "Support", False, at)
    return channels.add_account(
        connection, project_id=project_id, kind="email", name=name, address="a@x", queue_id=queue_id, options=options or {}, created_at=at,
        checked_at=at,
    )  # fmt: skip


@pytest.mark.parametrize("options", [{"a": "\x00b\\u0000"}, {"a": ["\ud800", None, 1.5, True]}, {"\x00k": {"é": "я"}}])
async def test_json_is_the_same_on_both_engines(store: Store, options: dict[str, Any]) -> None:
    """A document is read back as its one encoding says."""
    account_id = await store.write(beginnings, "x", options)
    account = await store.read(channels.find_account, account_id)
    assert account is not None
    assert account.options == orjson.loads(dump_json(options))


async def test_text_is_cleaned_at_the_border(store: Store) -> None:
    """NUL characters are dropped and lone surrogates replaced before the driver sees them."""
    account = await store.read(channels.find_account, await store.write(beginnings, "a\x00b\ud800"))
    assert account is not None
    assert account.name.startswith("ab")
    account.name.encode()


async def test_instants_come_back_in_utc(store: Store) -> None:
    """An instant in any zone is the same instant afterwards, to the microsecond."""
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    account = await store.read(channels.find_account, await store.write(beginnings, "x", None, at))
    assert account is not None
    assert account.checked_at == at
    assert account.checked_at.utcoffset() == timedelta(0)


async def test_a_naive_instant_is_refused(store: Store) -> None:
    """An instant without a zone never gets into the database."""
    with pytest.raises(StatementError, match="naive"):
        await store.write(beginnings, "x", None, datetime(2026, 1, 1))
