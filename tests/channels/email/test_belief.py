"""Whom a mail is really from: what our own server says counts, what others write does not, and forgers get nothing."""

from typing import Any

import pytest

from contact_center.channels.email import authentication, headers
from contact_center.channels.email.authentication import prove, read
from contact_center.channels.email.parse import parse
from contact_center.model.words import Fate, ProofState, Status
from contact_center.store import Store
from tests.channels.email.house import House, make_house

OURS = "mx.ours.example"


def results(dmarc: str, server: str = OURS, domain: str = "example.com") -> str:
    return f"Authentication-Results: {server};\r\n dmarc={dmarc} (p=none) header.from={domain}\r\n"


@pytest.fixture
async def house(store: Store) -> House:
    made = await make_house(store)
    await made.options(authserv_id=OURS)
    return made


def proof(*fields: str, domain: str = "example.com", froms: int = 1, name: str = OURS) -> Any:
    return prove(fields, name, domain, froms)


@pytest.mark.parametrize(
    ("field", "state"),
    [
        (f"{OURS}; dmarc=pass header.from=example.com", ProofState.VERIFIED),
        (f"{OURS}; spf=pass smtp.mailfrom=a@example.com; dkim=pass header.d=example.com; dmarc=fail", ProofState.FAILED),
        (f"{OURS}; dkim=pass header.d=example.com", ProofState.VERIFIED),
        (f"{OURS}; dkim=pass header.i=@example.com", ProofState.VERIFIED),
        (f"{OURS}; dkim=pass header.d=evil.example", ProofState.UNKNOWN),
        (f"{OURS}; dkim=pass header.d=com", ProofState.UNKNOWN),
        (f"{OURS}; dkim=pass header.d=notexample.com", ProofState.UNKNOWN),
        (f"{OURS}; spf=pass smtp.mailfrom=bounce@example.com", ProofState.VERIFIED),
        (f"{OURS}; spf=pass smtp.mailfrom=bounce@lists.example", ProofState.UNKNOWN),
        (f"{OURS}; spf=softfail smtp.mailfrom=a@example.com; dkim=none", ProofState.UNKNOWN),
        (f"{OURS} 1; dmarc = pass (dmarc=fail; in a comment) header.from=example.com", ProofState.VERIFIED),
        (f'"{OURS}"; dmarc=pass header.from=Example.COM', ProofState.VERIFIED),
        ("MX.Ours.Example; DMARC=Pass Header.From=example.com", ProofState.VERIFIED),
        (f"{OURS}; dmarc=pass", ProofState.UNKNOWN),
        (f"{OURS}; dmarc=pass header.from=evil.example", ProofState.FAILED),
        (f"{OURS}; dmarc=pass header.from=example.com header.from=evil.example", ProofState.UNKNOWN),
        (f"{OURS}; dmarc=pass header.from=example.com; dmarc=fail header.from=example.com", ProofState.FAILED),
        (f"{OURS}; dmarc=pass header.from=example.com; dmarc=pass header.from=evil.example", ProofState.FAILED),
        (f"{OURS}; spf=pass smtp.mailfrom=a@evil.example smtp.mailfrom=b@example.com", ProofState.UNKNOWN),
        (f'{OURS}; spf=pass smtp.mailfrom="x@example.com"@evil.example', ProofState.UNKNOWN),
        (f'{OURS}; spf=pass smtp.mailfrom="x\\"@example.com y"@evil.example', ProofState.UNKNOWN),
        (f'{OURS}; spf=pass reason="smtp.mailfrom=b@example.com"', ProofState.UNKNOWN),
        (f"{OURS}; none", ProofState.UNKNOWN),
        (f'{OURS}; spf=fail reason="a; dmarc=pass" smtp.mailfrom=a@example.com', ProofState.UNKNOWN),
        (f"{OURS}; x-dmarc=pass; dmarc=temperror", ProofState.UNKNOWN),
        ("other.example; dmarc=pass", ProofState.UNKNOWN),
        (f"{OURS}.evil.example; dmarc=pass", ProofState.UNKNOWN),
        (f"({OURS}) evil.example; dmarc=pass", ProofState.UNKNOWN),
        ("", ProofState.UNKNOWN),
        (";;;===", ProofState.UNKNOWN),
    ],
)
def test_verdicts(field: str, state: ProofState) -> None:
    """One field, read as RFC 8601 says."""
    assert proof(field).state is state


@pytest.mark.parametrize(
    "sender",
    [
        '<"victim@bank.example"@evil.example>',
        '"victim@bank.example"@evil.example',
        '<"victim@bank.example>"@evil.example>',
        '"victim@bank.example>"@evil.example',
        '"victim@bank.example?"@evil.example',
        '<"victim@bank.example?"@evil.example>',
        '"victim@bank.example "@evil.example',
        '"victim@bank.example x".y@evil.example',
        '<"victim@bank.example("@evil.example>',
        "<victim@bank.example?@evil.example>",
        "victim@bank.example\\ @evil.example",
        '"victim@bank.example "@evil.example, victim@bank.example',
        "<@evil.example:victim@bank.example>",
        "victim@bank.example, eve@evil.example",
    ],
)
def test_an_address_that_looks_like_anothers_is_not_theirs(sender: str) -> None:
    """Whoever owns an odd address is never taken, and never proven, to be the person whose address it holds."""
    data = f"{results('pass', domain='evil.example')}From: {sender}\r\nSubject: x\r\n\r\nhi\r\n".encode()
    message = parse(data, {"authserv_id": OURS})
    assert message.sender is None or message.sender.value != "victim@bank.example" or message.is_forged
    assert message.proof is not None
    assert message.proof.state is not ProofState.VERIFIED


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ('<"victim"@bank.example>', "victim@bank.example"),
        ("<'victim@bank.example'>", "victim@bank.example"),
        ("<'victim@bank.example>", "'victim@bank.example"),
        ('<"<victim"@bank.example>', ""),
        ("<vic tim@bank.example>", ""),
        ("<mailto:victim@bank.example?subject=x>", "victim@bank.example"),
        ('"victim@bank.example"', "victim@bank.example"),
    ],
)
def test_quotes_in_an_address(raw: str, address: str) -> None:
    """Quotes that say nothing are left out; what only quotes allow makes an address unusable."""
    assert [found.email for found in headers.addresses(raw) if found.email] == ([address] if address else [])


def test_only_the_topmost_of_ours_counts() -> None:
    """What stands below it, and what other servers say above it, is not looked at."""
    assert proof(f"{OURS}; dmarc=fail", f"{OURS}; dmarc=pass").state is ProofState.FAILED
    passed = f"{OURS}; dmarc=pass header.from=example.com"
    assert proof("evil.example; dmarc=fail", passed, f"{OURS}; dmarc=fail").state is ProofState.VERIFIED
    assert proof(f"{OURS}; spf=none", f"{OURS}; dmarc=pass").state is ProofState.UNKNOWN


def test_without_a_trusted_name_nobody_is_believed() -> None:
    """No name, no verdict: a field that names nobody must not match it."""
    assert proof("; dmarc=pass", name="") is None
    assert proof("; dmarc=pass", name="  ") is None


def test_hostile_fields_end_soon() -> None:
    """Neither depth nor length takes long."""
    for field in (
        f"{OURS}; " + "(" * 50_000,
        f"{OURS}; " + "dkim=pass header.d=a; " * 20_000,
        f"{OURS}; spf=" + "a" * 50_000,
        '"' * 50_000,
    ):
        assert len(read(field)[1]) <= authentication.MAX_RESULTS


async def test_a_proven_sender_is_shown(house: House) -> None:
    """The verdict stands with the entry; the ticket is an ordinary one."""
    entry, ticket = await house.write(top=results("pass"))
    assert entry.proof is not None
    assert ticket is not None
    assert (entry.proof.state, entry.proof.dmarc, ticket.unproven) == (ProofState.VERIFIED, "pass", False)


async def a_known_customer(house: House) -> tuple[Any, Any]:
    """Ivan has written and was answered; (his ticket, the row of our answer)."""
    _, ticket = await house.write(top=results("pass"), message_id="<q1@example.com>")
    assert ticket is not None
    _, row = await house.reply(ticket.id)
    return ticket, row


async def test_a_forged_sender_with_all_that_can_be_known_gets_nothing(house: House) -> None:
    """Ids, our token, the number: none of it joins; the ticket is its own and marked, the contact nobody's, no address proven."""
    ticket, row = await a_known_customer(house)
    token = row["message"]["reply_token"]
    before = await house.value("SELECT count(*) FROM interaction WHERE contact_id = 1")
    entry, forged = await house.write(
        top=results("fail"), to=f"support+{token}@localhost", cc="eve@evil.example", subject=f"Re: [#{ticket.number}] order",
        answers=f"<{row['message_key']}>", references="<q1@example.com>", reply_to="eve@evil.example",
    )  # fmt: skip
    assert forged is not None
    assert entry.proof is not None
    assert (forged.unproven, entry.proof.state, forged.follow_up_of) == (True, ProofState.FAILED, ticket.id)
    assert forged.id != ticket.id
    assert entry.contact_id != ticket.contact.id
    assert await house.value("SELECT count(*) FROM interaction WHERE contact_id = 1") == before
    assert await house.participants(forged.id) == {}
    assert "eve@evil.example" not in await house.participants(ticket.id)
    assert await house.value("SELECT count(*) FROM contact_point WHERE value LIKE '%evil%'") == 0
    # An answer goes to the address that was claimed, and not where the forger asked for it.
    _, sent = await house.reply(forged.id)
    assert [to["email"] for to in sent["message"]["to"]] == ["ivan@example.com"]
    assert "order 117" not in sent["message"]["quoted"].replace("Where is order 117?", "", 1)


async def test_a_forged_ticket_is_never_joined_to_a_real_one(house: House) -> None:
    """The real customer goes on writing, naming all the same ids: the forger's ticket stays apart."""
    ticket, row = await a_known_customer(house)
    _, forged = await house.write(
        top=results("fail"), answers=f"<{row['message_key']}>", references="<q1@example.com>", message_id="<f1@evil>"
    )
    _, again = await house.write(top=results("pass"), answers=f"<{row['message_key']}>", references="<q1@example.com> <f1@evil>")
    assert again is not None
    assert forged is not None
    assert again.id == ticket.id
    _, still = await house.became(
        {
            "interaction_id": (await house.row(f"SELECT id AS interaction_id FROM interaction WHERE ticket_id = {forged.id}"))[
                "interaction_id"
            ]
        }
    )
    assert still is not None
    assert still.merged_into is None


async def test_a_second_forged_mail_does_not_join_the_first(house: House) -> None:
    """Not even a forger's own ticket is joined: who knows whether it is the same one."""
    _, first = await house.write(top=results("fail"), message_id="<f1@evil>")
    _, second = await house.write(top=results("fail"), answers="<f1@evil>")
    assert first is not None
    assert second is not None
    assert (second.id != first.id, second.follow_up_of) == (True, first.id)


async def test_a_field_that_the_attacker_wrote(house: House) -> None:
    """Below ours it says nothing, under another name it says nothing, and without ours there is no verdict."""
    entry, _ = await house.write(top=results("fail") + results("pass"))
    assert entry.proof is not None
    assert entry.proof.state is ProofState.FAILED
    entry, _ = await house.write(top=results("pass", server="mx.evil.example"))
    assert entry.proof is not None
    assert (entry.proof.state, entry.proof.warnings) == (ProofState.UNKNOWN, ("no_verdict",))


async def test_a_forged_answer_to_our_reply_proves_no_address(house: House) -> None:
    """Whoever saw our mail may answer it under a false name: the address stays unproven."""
    ticket, row = await a_known_customer(house)
    verified = f"SELECT count(*) FROM contact_point_link WHERE contact_id = {ticket.contact.id} AND verified_at IS NOT NULL"
    await house.write(top=results("fail"), answers=f"<{row['message_key']}>")
    assert await house.value(verified) == 0
    await house.write(top=results("pass"), answers=f"<{row['message_key']}>")
    assert await house.value(verified) == 1


@pytest.mark.parametrize("sender", ["anna@localhost", "Anna <ANNA@localhost>", "support@localhost", "support+t1-aaaa@localhost"])
@pytest.mark.parametrize("configured", [True, False])
async def test_nobody_is_one_of_us_by_saying_so(house: House, sender: str, configured: bool) -> None:
    """Without proof a mail from a colleague's or a mailbox's address is forged, also where no server's word is known."""
    await house.options(**({"authserv_id": OURS} if configured else {}))
    ticket, row = await a_known_customer(house)
    entry, forged = await house.write(sender=sender, answers=f"<{row['message_key']}>")
    assert forged is not None
    assert entry.proof is not None
    assert (forged.id != ticket.id, forged.unproven, entry.author_id, entry.direction) == (True, True, None, "in")
    assert "own_address" in entry.proof.warnings


async def test_a_colleague_with_proof_is_an_ordinary_writer(house: House) -> None:
    """Proven, a colleague's mail is a mail like any other: still no act of an agent."""
    entry, ticket = await house.write(sender="anna@localhost", top=results("pass", domain="localhost"))
    assert ticket is not None
    assert (ticket.unproven, entry.author_id, ticket.status) == (False, None, Status.OPEN)


@pytest.mark.parametrize("first", ["eve@evil.example", "ivan@example.com"])
async def test_two_from_fields(house: House, first: str) -> None:
    """Programs and servers look at different ones: such a mail is forged whatever our server says."""
    second = "ivan@example.com" if first != "ivan@example.com" else "eve@evil.example"
    mail = (
        f"{results('pass')}From: {first}\r\nTo: support@localhost\r\nFrom: {second}\r\nSubject: two\r\nMessage-ID: <two@x>\r\n\r\nhello\r\n"
    )
    entry, ticket = await house.became(await house.receive(mail.encode()))
    assert entry.proof is not None
    assert ticket is not None
    assert (entry.proof.state, ticket.unproven) == (ProofState.FAILED, True)
    assert "several_senders" in entry.proof.warnings


async def test_a_stranger_with_a_copied_customer_is_never_let_in(house: House) -> None:
    """Eve quotes a real thread and puts its customer on copy; his next mail must not join her ticket to his."""
    ticket, row = await a_known_customer(house)
    _, eves = await house.write(
        sender="eve@evil.example",
        cc="ivan@example.com",
        answers=f"<{row['message_key']}>",
        references="<q1@example.com>",
        message_id="<e1@evil>",
    )
    assert eves is not None
    assert (eves.id != ticket.id, eves.follow_up_of, eves.unproven) == (True, ticket.id, False)
    _, again = await house.write(answers=f"<{row['message_key']}>", references="<q1@example.com>", top=results("pass"))
    assert again is not None
    assert again.id == ticket.id
    assert "eve@evil.example" not in await house.participants(ticket.id)
    _, third = await house.write(sender="eve@evil.example", answers=f"<{row['message_key']}>")
    assert third is not None
    assert third.id != ticket.id


async def test_whom_the_customer_copies_takes_part(house: House) -> None:
    """Copies that the customer sends are participants with their roles, and their answers join."""
    _, ticket = await house.write(top=results("pass"), cc="Olga <olga@example.org>", message_id="<c1@example.com>")
    assert ticket is not None
    assert await house.participants(ticket.id) == {"ivan@example.com": "wrote", "olga@example.org": "cc"}
    _, again = await house.write(sender="olga@example.org", answers="<c1@example.com>")
    assert again is not None
    assert again.id == ticket.id


async def test_the_same_id_with_another_content_is_stored_and_flagged(house: House) -> None:
    """Nobody suppresses a mail by sending its id first."""
    first, _ = await house.write(message_id="<same@x>", text="one")
    second, _ = await house.write(message_id="<same@x>", text="two", sender="eve@evil.example")
    assert second.id != first.id
    assert second.proof is not None
    assert second.proof.warnings[-1] == "same_message_id"


async def test_a_forged_copy_does_not_swallow_the_genuine_mail(house: House) -> None:
    """The forger was faster, with every word the same: the genuine one is stored beside it."""
    first, _ = await house.write(message_id="<same@x>", top=results("fail"))
    second, ticket = await house.write(message_id="<same@x>", top=results("pass"))
    assert ticket is not None
    assert (second.id != first.id, ticket.unproven) == (True, False)


async def test_the_same_mail_by_another_way_is_one_entry(house: House) -> None:
    """Another Received line, and nothing else: a duplicate that names what it doubles, and no work for anybody."""
    first = await house.receive(b"Received: from list by b\r\n" + _plain("<way@x>"))
    again = await house.receive(b"Received: from list by c\r\n" + _plain("<way@x>"))
    assert (first["state"], again["state"], again["duplicate_of_id"]) == (Fate.STORED, Fate.DUPLICATE, first["id"])
    assert await house.value("SELECT count(*) FROM interaction") == 1


def _plain(message_id: str) -> bytes:
    return f"From: ivan@example.com\r\nTo: support@localhost\r\nSubject: way\r\nMessage-ID: {message_id}\r\n\r\nhello\r\n".encode()
