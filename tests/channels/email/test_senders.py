"""Who the customer is when a form or a robot sends the mail, who takes part, and who gets the answer."""

import pytest

from contact_center.model.words import ProofState
from contact_center.store import Store
from contact_center.store.repositories import timeline
from tests.channels.email.house import House, make_house
from tests.channels.email.test_belief import OURS, results

ROBOT = {"sender": "Shop form <noreply@forms.example>", "reply_to": "Maria <maria@example.org>"}


@pytest.fixture
async def house(store: Store) -> House:
    return await make_house(store)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "noreply@forms.example"),
        ({"sender_rule": "from"}, "noreply@forms.example"),
        ({"sender_rule": "reply_to"}, "maria@example.org"),
        ({"sender_rule": "listed", "sender_rule_for": "other@forms.example"}, "noreply@forms.example"),
        ({"sender_rule": "listed", "sender_rule_for": "x@y.example\nNoReply@forms.example"}, "maria@example.org"),
        ({"sender_rule": "listed", "sender_rule_for": "@forms.example"}, "maria@example.org"),
        ({"sender_rule": "listed", "sender_rule_for": "rms.example"}, "noreply@forms.example"),
    ],
)
async def test_the_rule_of_the_mailbox(house: House, options: dict[str, str], expected: str) -> None:
    """From, or Reply-To for those listed, or Reply-To always."""
    await house.options(**options)
    entry, ticket = await house.write(**ROBOT)
    assert ticket is not None
    assert entry.sender is not None
    assert entry.sender.email == expected
    if expected == "maria@example.org":
        assert entry.proof is not None
        assert (entry.proof.state, entry.proof.warnings) == (ProofState.UNKNOWN, ("reply_to",))
    # An answer goes where it is asked for in any case.
    _, row = await house.reply(ticket.id)
    assert [to["email"] for to in row["message"]["to"]] == ["maria@example.org"]


async def test_two_customers_of_one_form_are_two(house: House) -> None:
    """The robot's address joins nobody; each answer of the real person joins their own ticket."""
    await house.options(sender_rule="reply_to")
    _, first = await house.write(**ROBOT)
    _, second = await house.write(**(ROBOT | {"reply_to": "oleg@example.org"}))
    assert first is not None
    assert second is not None
    assert first.contact.id != second.contact.id
    _, row = await house.reply(first.id)
    _, again = await house.write(sender="maria@example.org", answers=f"<{row['message_key']}>")
    assert again is not None
    assert again.id == first.id


async def test_reply_to_is_no_key_to_somebody_elses_ticket(house: House) -> None:
    """Whoever names another's address in Reply-To, and ids of their thread, is a stranger: the transport proves the robot alone."""
    await house.options(sender_rule="reply_to", authserv_id=OURS)
    _, ticket = await house.write(top=results("pass"))
    assert ticket is not None
    _, row = await house.reply(ticket.id)
    entry, other = await house.write(
        sender="eve@evil.example",
        reply_to="ivan@example.com",
        answers=f"<{row['message_key']}>",
        top=results("pass", domain="evil.example"),
    )
    assert other is not None
    assert entry.proof is not None
    assert (other.id != ticket.id, other.follow_up_of, entry.proof.state) == (True, ticket.id, ProofState.UNKNOWN)
    assert await house.value("SELECT count(*) FROM contact_point_link WHERE verified_at IS NOT NULL") == 0


async def test_reply_to_of_a_colleague_is_forged(house: House) -> None:
    """Nobody becomes one of us by Reply-To either, whatever is proven of From."""
    await house.options(sender_rule="reply_to", authserv_id=OURS)
    entry, ticket = await house.write(sender="eve@evil.example", reply_to="anna@localhost", top=results("pass", domain="evil.example"))
    assert ticket is not None
    assert entry.proof is not None
    assert (ticket.unproven, entry.proof.state) == (True, ProofState.FAILED)


async def test_everybody_gets_a_copy_when_asked_for(house: House) -> None:
    """Whom the customer named, each once, without our mailboxes; and not otherwise."""
    _, ticket = await house.write(
        to="support@localhost, Olga <olga@example.org>", cc="boss@example.com, SUPPORT+x@localhost, Olga@example.org, ivan@example.com"
    )
    assert ticket is not None
    _, row = await house.reply(ticket.id)
    assert row["message"]["cc"] == []
    _, row = await house.reply(ticket.id, reply_all=True)
    assert [to["email"] for to in row["message"]["to"]] == ["ivan@example.com"]
    assert [cc["email"] for cc in row["message"]["cc"]] == ["olga@example.org", "boss@example.com"]
    assert await house.participants(ticket.id) == {"ivan@example.com": "wrote", "olga@example.org": "to", "boss@example.com": "cc"}


async def test_nobody_gets_a_copy_because_a_forger_named_them(house: House) -> None:
    """Answering all of a forged mail answers the address that was claimed alone."""
    await house.options(authserv_id=OURS)
    _, ticket = await house.write(top=results("fail"), cc="eve@evil.example")
    assert ticket is not None
    _, row = await house.reply(ticket.id, reply_all=True)
    assert (len(row["message"]["to"]), row["message"]["cc"]) == (1, [])


async def test_an_answer_never_goes_where_a_forger_asks_for_it(house: House) -> None:
    """The Reply-To of a forged mail is not answered, even where it stands among what was read."""
    await house.options(authserv_id=OURS)
    entry, ticket = await house.write(top=results("fail"), reply_to="eve@evil.example")
    assert ticket is not None
    headers = {"reply_to": [{"name": "", "email": "eve@evil.example"}]}
    await house.store.write(timeline.replace_body, entry.id, "x", "x", None, headers)
    _, row = await house.reply(ticket.id)
    assert [to["email"] for to in row["message"]["to"]] == ["ivan@example.com"]
