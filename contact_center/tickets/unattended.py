"""What is sent without anybody writing it: the guards that keep it out of loops and from becoming somebody's cannon, and sending it.

Machines are never answered, an address gets few automatic messages a day, a company's domain and an account few an hour. Such a message is
marked automatic, and ends no turn: nobody has answered yet.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from contact_center.contacts import identity
from contact_center.contacts.domains import company_domain
from contact_center.contacts.identity import without_plus
from contact_center.errors import Conflict
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import InboundPerson
from contact_center.model.tickets import Address, Entry, Ticket
from contact_center.model.words import Direction, PointKind, ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import automatic, channels, contacts, opt_outs, outbox, tickets, timeline
from contact_center.store.repositories.recovery import restored_at
from contact_center.tickets import entries
from contact_center.tickets.replies import Sending, message_key, subject_of_reply

MOST_A_DAY = 3  # automatic messages to one address
MOST_AN_HOUR = 100  # from one account
MOST_TO_DOMAIN = 20  # an hour to addresses of one company, unless the account says otherwise
OLDEST = timedelta(hours=24)  # nobody wants to hear today that yesterday's message arrived
MAY = "unattended"
"""Among an entry's headers: what nobody wrote may answer it. Without it, never."""


def refused_to_point(
    connection: Connection, act: Act, account: ChannelAccount, contact_id: int, point_id: int, person: InboundPerson, *, is_proven: bool
) -> str:
    """Why nothing automatic may go to this address now; empty when it may. Nobody else counts for it until the commit."""
    value = identity.normalise(person.kind, person.value)
    if opt_outs.among(connection, account.id, person.kind, [value]):
        return "opted out"
    known = contacts.find_contact(connection, contact_id)
    if known is not None and any(point.id == point_id and point.bounced for point in known.points):
        return "the address does not take mail"
    place = counted(connection, account.project_id, person, point_id)
    automatic.lock_point(connection, place)
    if automatic.count_to_point(connection, place, act.now - timedelta(days=1)) >= MOST_A_DAY:
        return "enough for one day"
    if automatic.count_of_account(connection, account.id, act.now - timedelta(hours=1)) >= MOST_AN_HOUR:
        return "enough for one hour"
    if not is_proven and _is_enough_for_domain(connection, act, account, value):
        return "enough for one domain"
    return ""


def counted(connection: Connection, project_id: int, person: InboundPerson, point_id: int) -> int:
    """The point for which messages are counted: what stands behind a plus leads into the same mailbox."""
    bare = without_plus(person.value)
    if person.kind is not PointKind.EMAIL or bare == person.value:
        return point_id
    return identity.point_of(connection, project_id, InboundPerson(person.kind, bare)) or point_id


def send(connection: Connection, act: Act, sending: Sending, project_id: int, ticket: Ticket, text: str) -> Entry:
    """Answer whoever wrote last, as a machine. Raises Conflict, with the reason, where no automatic message may go."""
    inbound = timeline.last_from_outside(connection, ticket.id)
    account = channels.find_account(connection, inbound["account_id"]) if inbound is not None and inbound["account_id"] else None
    if inbound is None or account is None or account.kind not in sending.reaches:
        raise Conflict("The customer wrote by no channel that can be answered: choose one.")
    kind = sending.reaches[account.kind]
    reason = refused(connection, act, account, inbound, kind)
    if reason:
        raise Conflict(f"Nothing automatic goes there: {reason}.", reason=reason)
    assert kind is not None
    person = InboundPerson(kind, inbound["sender_address"])
    automatic.add(connection, account.id, counted(connection, project_id, person, inbound["sender_point_id"]), act.now)
    to = Address("", inbound["sender_address"])
    return queue(connection, act, sending, account, ticket, to, subject_of_reply(ticket), text, answers=inbound["message_key"])


def refused(
    connection: Connection, act: Act, account: ChannelAccount, inbound: Row, kind: PointKind | None, oldest: timedelta = OLDEST
) -> str:
    """Why nothing that nobody wrote may answer this message by this account; empty when it may. Older ones than `oldest` are the past."""
    body = timeline.body(connection, inbound["id"])
    if inbound["automatic"]:
        return "a machine wrote"
    if body is None or not body.headers.get(MAY):
        return "not a message to be answered"
    if kind is None or inbound["sender_point_id"] is None or kind is PointKind.ANONYMOUS:
        return "nobody to write to"
    value = identity.normalise(kind, inbound["sender_address"])
    own = {each.address.lower() for each in channels.accounts(connection, account.project_id)}
    if not value or value in own or without_plus(value) in own:
        return "one of our own addresses"
    if (restored := restored_at(connection)) is not None and inbound["occurred_at"] < restored:
        return "older than the restore of the database"
    proof = (inbound["proof"] or {}).get("state")
    if proof == ProofState.FAILED:
        return "the address is only claimed"
    if inbound["occurred_at"] < act.now - oldest:
        return "too old"
    person = InboundPerson(kind, inbound["sender_address"])
    proven = proof == ProofState.VERIFIED
    return refused_to_point(connection, act, account, inbound["contact_id"], inbound["sender_point_id"], person, is_proven=proven)


def _is_enough_for_domain(connection: Connection, act: Act, account: ChannelAccount, address: str) -> bool:
    """Whether a company's domain has got as many as it should, were all of them forged. Who is proven is not counted against it."""
    domain, most = company_domain(address), int(account.options.get("acknowledge_per_domain", MOST_TO_DOMAIN))
    if not domain or not most:
        return False
    return automatic.count_to_domain(connection, domain, act.now - timedelta(hours=1)) >= most


def queue(
    connection: Connection,
    act: Act,
    sending: Sending,
    account: ChannelAccount,
    ticket: Ticket,
    to: Address,
    subject: str,
    text: str,
    *,
    answers: str | None,
    shown: str = "",
) -> Entry:
    """Put a message that nobody wrote into the outbox and the history. The guards are the caller's to ask before.

    `shown` stands in the history in the text's place, where the text holds what is the recipient's alone.
    """
    project_id, visible = account.project_id, shown or text
    entry = entries.add_entry(
        connection,
        act,
        project_id=project_id,
        contact_id=ticket.contact.id,
        ticket=ticket,
        kind=account.kind,
        direction=Direction.OUT,
        text=visible,
        body=(visible, None, {}),
        account_id=account.id,
        sender_address=account.address,
        subject=subject,
        automatic=True,
        recipients={"to": [to], "cc": []},
    )
    key = message_key(sending.keys, entry.id, account.address)
    timeline.change(connection, entry.id, message_key=key)
    tickets.add_thread_keys(connection, project_id, ticket.id, (key,))
    content: dict[str, Any] = {"to": [asdict(to)], "cc": [], "subject": subject, "text": text, "quoted": "", "automatic": True}
    content |= {"in_reply_to": answers, "references": [answers] if answers else []}
    content["reply_token"] = sending.keys.ticket_token(ticket.id)
    outbox.add(
        connection,
        interaction_id=entry.id,
        account_id=account.id,
        message_key=key,
        message=content,
        next_attempt_at=act.now,
        created_at=act.now,
    )
    return entries.publish_entry(connection, act, project_id, entry.id, added=True)
