"""How far a sender is believed. A forged sender joins nothing, proves nothing, and sees nobody's history.

A mail is forged when our own mail server says so, or when it claims to come from one of us and nothing proves that.
"""

from collections.abc import Collection
from dataclasses import replace

from contact_center.contacts import identity
from contact_center.contacts.identity import Identified, without_plus
from contact_center.model.acts import Act
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.people import ContactRef
from contact_center.model.tickets import Proof
from contact_center.model.words import EntryKind, PointKind, ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import access, contacts

OWN_ADDRESS = "own_address"
REPLY_TO = "reply_to"
SAME_MESSAGE_ID = "same_message_id"


def weigh(connection: Connection, item: Row, message: InboundMessage, own: Collection[str]) -> InboundMessage:
    """The message with what is known of its sender; of a forged one, without what would let it act as somebody else."""
    if message.kind != EntryKind.EMAIL:
        return message
    proof = message.proof
    is_proven = proof is not None and proof.state is ProofState.VERIFIED and message.behind is None
    if message.behind is not None:
        # What the server proved is who handed the mail over, not on whose behalf.
        proof = Proof(ProofState.UNKNOWN if not message.is_forged else ProofState.FAILED, warnings=(REPLY_TO,))
    if not is_proven and not item["envelope"].get("trust_date") and _claims_to_be_us(connection, item, message, own):
        proof = warned(replace(proof, state=ProofState.FAILED) if proof else None, OWN_ADDRESS, ProofState.FAILED)
    message = replace(message, proof=proof)
    if not message.is_forged:
        return message
    headers = message.headers | {"reply_to": [], "claimed_reply_to": message.headers.get("reply_to") or []}
    return replace(
        message,
        headers=headers,
        is_bounce=False,
        bounce_of=(),
        ticket_tokens=(),
        consent=None,
        unproven=True,
        unanswerable=message.unanswerable or "the sender is forged",
    )


def warned(proof: Proof | None, warning: str, state: ProofState = ProofState.UNKNOWN) -> Proof:
    """The proof with one more warning."""
    proof = proof or Proof(state)
    return replace(proof, warnings=(*proof.warnings, warning))


def stranger(connection: Connection, act: Act, item: Row, message: InboundMessage) -> Identified:
    """Whoever hides behind a forged sender: a contact of their own, whom no address leads to."""
    claimed = message.sender
    name = (f"{claimed.name} <{claimed.value}>" if claimed.name else claimed.value) if claimed else ""
    contact_id = contacts.add_contact(connection, item["project_id"], name, True, act.now)
    return Identified(ContactRef(contact_id, name, True), None, is_new=True)


def _claims_to_be_us(connection: Connection, item: Row, message: InboundMessage, own: Collection[str]) -> bool:
    people = [person for person in (message.sender, message.behind) if person is not None and person.kind is PointKind.EMAIL]
    return any(_is_us(connection, item, person, own) for person in people)


def _is_us(connection: Connection, item: Row, person: InboundPerson, own: Collection[str]) -> bool:
    address = identity.normalise(person.kind, person.value)
    if not address:
        return False
    if address in own or without_plus(address) in own:
        return True
    employee = access.credentials(connection, address)
    return employee is not None and employee["project_id"] == item["project_id"]
