"""Who is asked, and by what. Each time that a ticket was resolved is looked at once, and the row says what came of it."""

from datetime import timedelta

from contact_center.contacts import identity
from contact_center.keys import Keys
from contact_center.model import surveys as rules
from contact_center.model.acts import Act
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import InboundPerson
from contact_center.model.surveys import Skipped, SurveySettings
from contact_center.model.tickets import Address, Ticket
from contact_center.model.words import PointKind, PointRole, ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import automatic, channels, contacts, surveys, tickets, timeline
from contact_center.tickets import entries, unattended
from contact_center.tickets.lifecycle import DONE
from contact_center.tickets.replies import Sending

OLDEST = timedelta(days=90)
"""Who has not written for so long is not asked about what they have forgotten."""
TOKEN = "survey"  # noqa: S105 - what the codes of public pages are made for


def ask(connection: Connection, act: Act, sending: Sending, base_url: str, project_id: int, ticket_id: int) -> int | None:
    """Ask whoever a resolved ticket belongs to, unless something speaks against it; returns the survey that was sent."""
    ticket = entries.lock(connection, ticket_id)
    wanted = surveys.settings(connection, ticket.queue_id)
    resolved_at = tickets.resolved_at(connection, ticket_id)
    if wanted is None or resolved_at is None or ticket.status not in DONE or ticket.merged_into is not None:
        return None
    if resolved_at > act.now - timedelta(seconds=wanted.delay_seconds):
        return None
    inbound = timeline.last_from_outside(connection, ticket_id)
    account, to = _by_what(connection, sending, ticket, inbound)
    survey_id = surveys.add(
        connection,
        project_id=project_id,
        queue_id=ticket.queue_id,
        ticket_id=ticket.id,
        contact_id=ticket.contact.id,
        agent_id=surveys.resolver(connection, ticket_id, resolved_at) or ticket.assignee_id,
        kind=wanted.kind,
        channel=account.kind if account is not None else "",
        account_id=account.id if account is not None else None,
        language=wanted.language,
        question=wanted.question,
        resolved_at=resolved_at,
    )
    if survey_id is None:
        return None
    if account is None or inbound is None or to is None:
        surveys.change(connection, survey_id, skipped=Skipped.NO_CHANNEL)
        return None
    skipped = _skipped(connection, act, sending, wanted, ticket, inbound, account, to)
    if skipped is not None:
        surveys.change(connection, survey_id, skipped=skipped)
        return None
    _send(connection, act, sending, base_url, survey_id, wanted, ticket, inbound, account, to)
    return survey_id


def token_of(keys: Keys, survey_id: int) -> str:
    """What leads to the public page of a survey: its number and our signature."""
    return f"{survey_id}-{keys.sign(TOKEN, str(survey_id))}"


def survey_of(keys: Keys, token: str) -> int | None:
    """The survey that a token leads to; None for one that we did not make."""
    number, _, code = token.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 16) or not keys.verify(TOKEN, number, code):
        return None
    return int(number)


def _by_what(
    connection: Connection, sending: Sending, ticket: Ticket, inbound: Row | None
) -> tuple[ChannelAccount | None, InboundPerson | None]:
    """The channel they wrote by; who wrote by a page of ours is asked by mail, at an address that is proven to be theirs."""
    account = channels.find_account(connection, inbound["account_id"]) if inbound is not None and inbound["account_id"] else None
    kind = sending.reaches.get(account.kind) if account is not None else None
    if account is not None and inbound is not None and account.enabled and kind is not None:
        return account, InboundPerson(kind, inbound["sender_address"])
    contact = contacts.find_contact(connection, ticket.contact.id)
    proven = [point for point in contact.points if point.kind is PointKind.EMAIL and point.verified] if contact is not None else []
    mailboxes = [
        each
        for each in channels.accounts(connection, account.project_id if account is not None else None)
        if each.enabled and each.queue_id == ticket.queue_id and sending.reaches.get(each.kind) is PointKind.EMAIL
    ]
    # A call is no page: whoever rang has not asked to be written to.
    if account is None or account.kind not in sending.reaches or not proven or not mailboxes:
        return None, None
    return mailboxes[0], InboundPerson(PointKind.EMAIL, proven[0].value)


def _skipped(
    connection: Connection,
    act: Act,
    sending: Sending,
    wanted: SurveySettings,
    ticket: Ticket,
    inbound: Row,
    account: ChannelAccount,
    to: InboundPerson,
) -> Skipped | None:
    """Why this contact is not asked; None when they are. From here on nobody else counts for their address until the commit."""
    if not surveys.was_answered(connection, ticket.id):
        return Skipped.NOTHING_SAID
    contact = contacts.find_contact(connection, ticket.contact.id)
    point = (
        next((p for p in contact.points if p.kind is to.kind and p.value == identity.normalise(to.kind, to.value)), None)
        if contact
        else None
    )
    if contact is None or point is None or ticket.unproven or (inbound["proof"] or {}).get("state") == ProofState.FAILED:
        return Skipped.UNPROVEN
    if point.role is PointRole.SHARED and not (point.verified and not contact.provisional):
        return Skipped.UNPROVEN
    if inbound["account_id"] == account.id:
        refused = unattended.refused(connection, act, account, inbound, to.kind, OLDEST)
    else:
        refused = unattended.refused_to_point(connection, act, account, contact.id, point.id, to, is_proven=True)
    if refused:
        return Skipped.REFUSED
    # Asked last, when the address is held: of two that come due in the same moment the second sees the first.
    if wanted.cap_days and surveys.asked_since(connection, contact.id, act.now - timedelta(days=wanted.cap_days)):
        return Skipped.CAP
    if surveys.asked_in_ticket_since(connection, ticket.id, inbound["occurred_at"]):
        return Skipped.CAP
    return None


def _send(
    connection: Connection,
    act: Act,
    sending: Sending,
    base_url: str,
    survey_id: int,
    wanted: SurveySettings,
    ticket: Ticket,
    inbound: Row,
    account: ChannelAccount,
    to: InboundPerson,
) -> None:
    point_id = identity.point_of(connection, account.project_id, to)
    if point_id is not None:
        automatic.add(connection, account.id, unattended.counted(connection, account.project_id, to, point_id), act.now)
    if to.kind is PointKind.PHONE:
        subject, text = "", rules.text_message(wanted.kind, wanted.language, wanted.question, ticket.number)
    else:
        url = f"{base_url.rstrip('/')}/surveys/{token_of(sending.keys, survey_id)}"
        subject = rules.SUBJECTS[wanted.language].replace("{number}", str(ticket.number))
        text = rules.letter(wanted.kind, wanted.language, wanted.question, ticket.number, url)
    # The link is the customer's alone: who reads the history must not be able to vote.
    shown = text if to.kind is PointKind.PHONE else rules.question(wanted.kind, wanted.language, wanted.question)
    answers = inbound["message_key"] if inbound["account_id"] == account.id else None
    entry = unattended.queue(connection, act, sending, account, ticket, Address("", to.value), subject, text, answers=answers, shown=shown)
    expires_at = act.now + timedelta(days=wanted.expire_days)
    surveys.change(connection, survey_id, interaction_id=entry.id, sent_at=act.now, expires_at=expires_at)
