"""Answering the customer: the entry, the outbox row and the end of the turn, in one unit of work.

The message key is fixed here, before anything is sent, and carries our signature, so that a retry is the same mail and
an answer to it can be recognised.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from contact_center import failpoints
from contact_center.contacts.identity import normalise, point_of
from contact_center.errors import Conflict, Invalid, NotFound, Overtaken
from contact_center.keys import Keys
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import InboundPerson
from contact_center.model.tickets import Address, Entry, Ticket
from contact_center.model.words import Delivery, Direction, EndReason, PointKind, ProofState, Status
from contact_center.store import Connection, Row
from contact_center.store.repositories import channels, contacts, opt_outs, outbox, resolutions, sessions, tickets, timeline, work
from contact_center.tickets import desk, entries, turns, undelivered, wrapping

QUOTE_LIMIT = 20_000  # characters of the answered message that are quoted below the answer
MOST_COPIES = 50
MAX_REFERENCES = 20  # RFC 5322 sets no limit; the first and the latest are what mail programs thread by


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent wants to send."""

    text: str
    to: tuple[Address, ...] = ()
    """Empty: whoever wrote last."""
    cc: tuple[Address, ...] = ()
    status: Status = Status.WAITING
    """How the ticket stands afterwards."""
    attachment_ids: tuple[int, ...] = ()
    channel_id: int | None = None
    """The channel account to answer by; None: the one the customer wrote by last, if it can be answered."""
    reply_all: bool = False
    """Whether everybody whom the answered message names gets a copy."""
    seen_entry_id: int | None = None
    """The newest entry that the writer had before them when they began; None: whatever was said since, it is to be sent."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What replying needs of the configuration."""

    keys: Keys
    undo: timedelta
    """How long the reply waits for a change of mind."""
    reaches: Mapping[str, PointKind | None]
    """For each kind of channel that can send: the kind of contact point its messages go to, None when they need none."""
    conversation: Callable[[str, str, str], str | None] = lambda _kind, _ours, _theirs: None
    """Kind of channel, our address, theirs: the key under which an answer to the message will come, if it names no other."""
    recipient: Callable[[str, str, str], str] = lambda _kind, _ours, theirs: theirs
    """Kind of channel, our address, what was typed: the one form in which the channel knows it, empty for nothing it can reach."""


def reply(connection: Connection, act: Act, sending: Sending, project_id: int, ticket_id: int, draft: Draft) -> Entry:
    """Queue an answer.

    Raises Overtaken when a colleague was faster, Conflict when the ticket has no channel to answer by, Invalid for unusable recipients.
    """
    before = entries.lock(connection, ticket_id)
    if draft.seen_entry_id is not None:
        _check_overtaken(connection, act, ticket_id, draft.seen_entry_id)
    inbound = timeline.last_inbound(connection, ticket_id)
    account = _account(connection, sending, project_id, inbound, draft.channel_id)
    point_kind = sending.reaches[account.kind]
    to = draft.to or _default_recipients(connection, before, inbound, account, point_kind)
    to, cc = _as_sent(sending, account, to), _as_sent(sending, account, draft.cc)
    if draft.reply_all and inbound is not None and inbound["account_id"] == account.id and point_kind is not None:
        cc = (*cc, *_everybody_else(connection, project_id, inbound, point_kind, (*to, *cc)))
    draft = replace(draft, cc=cc)
    _check_recipients(connection, account, point_kind, to, cc)
    entry_id = _add_entry(connection, act, project_id, before, draft, to, account)
    key = message_key(sending.keys, entry_id, account.address)
    timeline.change(connection, entry_id, message_key=key)
    files = timeline.claim_uploads(connection, act.user_id or 0, list(draft.attachment_ids), entry_id)
    if len(files) != len(set(draft.attachment_ids)):
        raise Invalid("Some attachments are not there any more; upload them again.", field="attachment_ids")
    _queue(connection, act, sending, before, inbound, account.id, entry_id, key, draft, to)
    _take_part(connection, project_id, ticket_id, key, point_kind, (*to, *cc))
    talks = (sending.conversation(account.kind, account.address, address.email) for address in to)
    tickets.add_thread_keys(connection, project_id, ticket_id, tuple(key for key in talks if key))
    turns.end(connection, act, ticket_id, EndReason.COMPLETED)
    tickets.change(connection, ticket_id, act.now, **_ticket_columns(act, before, draft, account.kind))
    entry = entries.publish_entry(connection, act, project_id, entry_id, added=True)
    desk.answered(connection, act, project_id, before)
    entries.publish_changed(connection, act, project_id, before)
    return entry


def _check_overtaken(connection: Connection, act: Act, ticket_id: int, seen_entry_id: int) -> None:
    """Raises Overtaken when a colleague has answered since: two of us would answer the same question."""
    other = timeline.answer_after(connection, ticket_id, seen_entry_id, besides=act.user_id)
    if other is not None:
        raise Overtaken(author_id=other["author_id"], entry_id=other["id"])


def call_back(connection: Connection, act: Act, project_id: int, entry_id: int) -> Entry:
    """Undo a reply that has not been sent yet. Raises Conflict when it is too late."""
    entry = timeline.find(connection, entry_id)
    if entry is not None and entry.ticket_id is not None:
        tickets.lock(connection, entry.ticket_id)
    row = outbox.of_interaction(connection, entry_id)
    if row is None or entry is None or entry.ticket_id is None:
        raise NotFound
    if row["attempts"] or not outbox.change_if(connection, row["id"], (Delivery.QUEUED,), state=Delivery.CANCELLED):
        raise Conflict("The reply is already on its way.")
    timeline.change(connection, entry_id, cancelled=True)
    before = entries.get(connection, entry.ticket_id)
    undo = row["message"]["undo"]
    if undo["segment_id"] is not None:
        wrapping.called_back(connection, act, undo["segment_id"])
    resolutions.take_back(connection, before.id, entry.occurred_at)
    if undo["item_id"] is not None and work.open_item(connection, before.id) is None:
        work.reopen_item(connection, undo["item_id"], undo["segment_id"], before.assignee_id)
        sessions.turn_ended(connection, undo["segment_id"])
        turns.keep_in_queue(connection, act, before)
    last = timeline.last_spoken(connection, before.id)
    item = work.open_item(connection, before.id)
    # Who wrote meanwhile waits: then the ticket is open, however it stood before the reply.
    status = undo["status"] if item is None or item["id"] == undo["item_id"] else Status.OPEN
    columns: dict[str, Any] = {"status": status, "waiting_since": item["opened_at"] if item else None}
    resolved = status in (Status.RESOLVED, Status.CLOSED)
    columns["resolved_at"] = datetime.fromisoformat(undo["resolved_at"]) if resolved and undo["resolved_at"] else None
    if last is not None:
        columns |= entries.last_columns(
            None, last["occurred_at"], Direction(last["direction"]), last["kind"], last["visible_text"], last["facts"]
        )
    tickets.change(connection, before.id, act.now, **columns)
    cancelled = entries.publish_entry(connection, act, project_id, entry_id)
    entries.publish_changed(connection, act, project_id, before)
    return cancelled


def send_again(connection: Connection, act: Act, project_id: int, entry_id: int) -> Entry:
    """A person decides that a failed, bounced or uncertain reply is to be sent (again), under the same key."""
    return _decide(connection, act, project_id, entry_id, state=Delivery.QUEUED, next_attempt_at=act.now, attempts=1, error="")


def confirm_sent(connection: Connection, act: Act, project_id: int, entry_id: int) -> Entry:
    """A person knows that an uncertain reply did arrive."""
    return _decide(connection, act, project_id, entry_id, only=(Delivery.UNCERTAIN,), state=Delivery.SENT, sent_at=act.now, error="")


def _decide(
    connection: Connection,
    act: Act,
    project_id: int,
    entry_id: int,
    *,
    only: tuple[Delivery, ...] = (Delivery.UNCERTAIN, Delivery.FAILED, Delivery.BOUNCED),
    **values: Any,
) -> Entry:
    row = outbox.of_interaction(connection, entry_id)
    if row is None:
        raise NotFound
    if not outbox.change_if(connection, row["id"], only, **values):
        raise Conflict("There is nothing to decide about this reply.")
    entry = entries.publish_entry(connection, act, project_id, entry_id)
    undelivered.decided(connection, act, project_id, entry)
    return entry


def _account(connection: Connection, sending: Sending, project_id: int, inbound: Row | None, wanted: int | None) -> ChannelAccount:
    """The channel to answer by. Raises Invalid for one that cannot be used, Conflict when there is none."""
    if wanted is not None:
        account = channels.find_account(connection, wanted)
        if account is None or account.project_id != project_id or account.kind not in sending.reaches:
            raise Invalid("This channel cannot be answered by.", field="channel_id")
        return account
    account = channels.find_account(connection, inbound["account_id"]) if inbound is not None and inbound["account_id"] else None
    if account is None or account.kind not in sending.reaches:
        raise Conflict("The customer wrote by no channel that can be answered: choose one.")
    return account


def _default_recipients(
    connection: Connection, ticket: Ticket, inbound: Row | None, account: ChannelAccount, kind: PointKind | None
) -> tuple[Address, ...]:
    """Where the customer wants answers: Reply-To if given, else whoever wrote by this channel, else the contact's own point."""
    same_channel = inbound is not None and inbound["account_id"] == account.id
    body = timeline.body(connection, inbound["id"]) if inbound is not None and same_channel else None
    is_forged = inbound is not None and (inbound["proof"] or {}).get("state") == ProofState.FAILED
    # Where a forger wants answers, nothing goes.
    wanted = [Address(**address) for address in (body.headers.get("reply_to") or [])] if body and not is_forged else []
    usable = tuple(address for address in wanted if kind is not None and normalise(kind, address.email))
    if usable:
        return usable
    if inbound is not None and (same_channel or kind is None):
        return (Address(inbound["sender_name"], inbound["sender_address"]),)
    contact = contacts.find_contact(connection, ticket.contact.id)
    points = [point for point in contact.points if point.kind is kind and not point.bounced] if contact else []
    # A point that somebody merely claimed in a form is not written to unless an agent chooses it.
    used = timeline.wrote_from(connection, ticket.contact.id, [point.id for point in points])
    points = sorted((point for point in points if point.verified or point.id in used), key=lambda point: not point.verified)
    return tuple(Address(ticket.contact.name, point.value) for point in points[:1])


def _everybody_else(
    connection: Connection, project_id: int, inbound: Row, kind: PointKind, besides: tuple[Address, ...]
) -> tuple[Address, ...]:
    """Whom the answered message names beside its sender, without our own mailboxes. A forged message names nobody."""
    if (inbound["proof"] or {}).get("state") == ProofState.FAILED:
        return ()
    seen = {normalise(kind, address.email) for address in besides}
    seen |= {account.address.lower() for account in channels.accounts(connection, project_id)}
    found = []
    named = inbound["recipients"] or {}
    for person in (Address(**each) for role in ("to", "cc") for each in named.get(role, ())):
        value = normalise(kind, person.email)
        local, _, domain = value.rpartition("@")
        if value and value not in seen and f"{local.split('+')[0]}@{domain}" not in seen:
            seen.add(value)
            found.append(person)
    return tuple(found[:MOST_COPIES])


def _as_sent(sending: Sending, account: ChannelAccount, people: tuple[Address, ...]) -> tuple[Address, ...]:
    """Recipients as the channel will address them, so that an opt-out is found whatever spelling somebody types.

    Raises Invalid for what the channel cannot reach.
    """
    if sending.reaches[account.kind] is None:
        return people
    found = []
    for person in people:
        address = sending.recipient(account.kind, account.address, person.email)
        if not address:
            raise Invalid(f"{person.email[:80] or 'An empty address'} cannot be written to by {account.name}.", field="to")
        found.append(replace(person, email=address))
    return tuple(found)


def _check_recipients(
    connection: Connection, account: ChannelAccount, kind: PointKind | None, to: tuple[Address, ...], cc: tuple[Address, ...]
) -> None:
    if kind is None:
        return
    for address in (*to, *cc):
        if not normalise(kind, address.email) or any(ord(c) < 32 for c in address.email + address.name):
            raise Invalid(f"{address.email[:80] or 'An empty address'} cannot be written to.", field="to")
    if not to:
        raise Invalid("Nobody to write to.", field="to")
    refused = opt_outs.among(connection, account.id, kind, [normalise(kind, address.email) for address in (*to, *cc)])
    if refused:
        raise Conflict(f"{refused[0]} has asked for no more messages from {account.name}.")


def _add_entry(
    connection: Connection,
    act: Act,
    project_id: int,
    ticket: Ticket,
    draft: Draft,
    to: tuple[Address, ...],
    account: ChannelAccount,
) -> int:
    entry = entries.add_entry(
        connection,
        act,
        project_id=project_id,
        contact_id=ticket.contact.id,
        ticket=ticket,
        kind=account.kind,
        direction=Direction.OUT,
        text=draft.text,
        body=(draft.text, None, {}),
        author_id=act.user_id,
        account_id=account.id,
        sender_address=account.address,
        subject=subject_of_reply(ticket),
        recipients={"to": list(to), "cc": list(draft.cc)},
    )
    return entry.id


def message_key(keys: Keys, entry_id: int, address: str) -> str:
    """The key of a message of ours, signed so that we know it again, and never made twice: after a restore from a backup
    entries get ids that others had, and mail programs hide a second mail with the Message-ID of a first."""
    domain = address.rpartition("@")[2] or "localhost"
    number = f"{entry_id}{secrets.randbelow(10**9):09}"
    return f"{number}.{keys.sign('message key', number)}@{domain}"


def is_own_key(keys: Keys, key: str) -> bool:
    """Whether a message key was made here: its signature tells."""
    local = key.rpartition("@")[0]
    number, _, code = local.partition(".")
    return number.isdigit() and keys.verify("message key", number, code)


def _queue(
    connection: Connection,
    act: Act,
    sending: Sending,
    ticket: Ticket,
    inbound: Row | None,
    account_id: int,
    entry_id: int,
    message_key: str,
    draft: Draft,
    to: tuple[Address, ...],
) -> None:
    chain = [key for key in timeline.message_keys(connection, ticket.id) if key != message_key]
    item = work.open_item(connection, ticket.id)
    answered = inbound if inbound is not None and inbound["account_id"] == account_id else None
    message = {
        "to": [asdict(address) for address in to],
        "cc": [asdict(address) for address in draft.cc],
        "subject": subject_of_reply(ticket),
        "text": draft.text,
        "in_reply_to": answered["message_key"] if answered is not None else None,
        "references": _references(chain, answered["message_key"]) if answered is not None else [],
        "quoted": _quoted(connection, answered) if answered is not None else "",
        "reply_token": sending.keys.ticket_token(ticket.id),
        "undo": {
            "status": ticket.status,
            "resolved_at": tickets.resolved_at(connection, ticket.id),
            "item_id": item["id"] if item else None,
            "segment_id": item["segment_id"] if item else None,
            "agent_id": item["agent_id"] if item else None,
        },
    }
    outbox.add(
        connection,
        interaction_id=entry_id,
        account_id=account_id,
        message_key=message_key,
        message=message,
        next_attempt_at=act.now + sending.undo,
        created_at=act.now,
    )
    failpoints.reach("reply.queued")


def _references(chain: list[str], answered: str | None) -> list[str]:
    """The first message of the thread, the latest ones, and the one that is answered."""
    if not answered or chain[:1] == [answered]:
        return chain[:1]
    return [*chain[:1], *[key for key in chain[1:] if key != answered][-MAX_REFERENCES:], answered]


def _quoted(connection: Connection, inbound: Row) -> str:
    body = timeline.body(connection, inbound["id"])
    text = (body.visible_text if body else inbound["visible_text"])[:QUOTE_LIMIT]
    verb = "пишет" if any("а" <= c.lower() <= "я" for c in text) else "wrote"
    who = f"{inbound['sender_name']} <{inbound['sender_address']}>".strip()
    when = inbound["occurred_at"].strftime("%Y-%m-%d %H:%M UTC")
    return "\n".join([f"{when}, {who} {verb}:", *[f"> {line}" for line in text.split("\n")]])


def subject_of_reply(ticket: Ticket) -> str:
    """The subject of what we answer; of a ticket that a call opened, which has none, the number."""
    return reply_subject(ticket.subject or f"#{ticket.number}")


def reply_subject(subject: str) -> str:
    """The subject of an answer."""
    return subject if subject[:3].lower() == "re:" else f"Re: {subject}".strip()


def _take_part(
    connection: Connection, project_id: int, ticket_id: int, message_key: str, kind: PointKind | None, people: tuple[Address, ...]
) -> None:
    points = {point_of(connection, project_id, InboundPerson(kind, a.email, a.name)) for a in people} if kind is not None else set()
    tickets.add_participants(connection, ticket_id, {point for point in points if point is not None})
    tickets.add_thread_keys(connection, project_id, ticket_id, (message_key,))


def _ticket_columns(act: Act, before: Ticket, draft: Draft, kind: str) -> dict[str, Any]:
    columns = entries.last_columns(before, act.now, Direction.OUT, kind, draft.text)
    columns |= {"status": draft.status, "waiting_since": None}
    columns["resolved_at"] = act.now if draft.status in (Status.RESOLVED, Status.CLOSED) else None
    if before.assignee_id is None:
        columns["assignee_id"] = act.user_id
    return columns
