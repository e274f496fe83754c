"""Reading an entry's original once more, after a parser was mended: the entry keeps its place, its ticket and its id."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contact_center.channels import parsers
from contact_center.errors import Conflict
from contact_center.intake.attaching import attach
from contact_center.intake.understanding import Outcome
from contact_center.model.acts import Act
from contact_center.model.messages import InboundFile, InboundMessage
from contact_center.model.text import clean_text
from contact_center.model.tickets import TEXT_LIMIT, Entry
from contact_center.model.words import ProofState
from contact_center.store import Connection, Row
from contact_center.store.repositories import calls, timeline
from contact_center.tickets import entries


def meaning_of(items: Sequence[Row], outcomes: Sequence[Outcome]) -> InboundMessage:
    """One meaning of everything that told of the entry. Raises Conflict when an original cannot be understood."""
    messages = []
    for outcome in outcomes:
        if not isinstance(outcome, InboundMessage):
            raise Conflict(f"The original cannot be understood: {outcome.message}")
        messages.append(outcome)
    parser = parsers.find(items[0]["kind"])
    combine = getattr(parser, "combine", None)
    if combine is None or not messages[0].keys:
        return messages[0]
    whole: InboundMessage = combine([message.headers for message in messages])
    return replace(whole, kind=messages[0].kind)


def rewrite(connection: Connection, act: Act, project_id: int, entry_id: int, message: InboundMessage) -> Entry:
    """Say in an entry what its original means now. What people decided since (ticket, contact, delivery) stays."""
    text = clean_text(message.visible_text)
    timeline.change(
        connection,
        entry_id,
        subject=message.subject,
        visible_text=text[:TEXT_LIMIT],
        truncated=len(text) > TEXT_LIMIT,
        folded=message.visible_text.strip() != message.text.strip(),
        has_html=message.html is not None,
        automatic=message.automatic,
        recipients={"to": list(message.to), "cc": list(message.cc)},
        facts=message.facts,
    )
    calls.note(connection, entry_id)
    headers: dict[str, Any] = message.headers | ({"defects": list(message.defects)} if message.defects else {})
    stored = timeline.find(connection, entry_id)
    if stored is not None and stored.proof is not None and stored.proof.state is ProofState.FAILED:
        # What a forger claims stays a claim, however often it is read.
        headers |= {"reply_to": [], "claimed_reply_to": headers.get("reply_to") or []}
    timeline.replace_body(connection, entry_id, clean_text(message.text), text, message.html, headers)
    _keep_files(connection, act, entry_id, message.attachments)
    return entries.publish_entry(connection, act, project_id, entry_id)


def _keep_files(connection: Connection, act: Act, entry_id: int, files: Sequence[InboundFile]) -> None:
    """Files that are still in the original keep their ids, so that links to them go on working."""
    known = {(row["sha256"], row["filename"]): row["id"] for row in timeline.attachments_of(connection, entry_id)}
    wanted = {(file.sha256, clean_text(file.filename)): file for file in files}
    timeline.drop_attachments(connection, [row_id for key, row_id in known.items() if key not in wanted])
    for key, file in wanted.items():
        if key not in known:
            attach(connection, act, entry_id, file)
