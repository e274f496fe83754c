"""Drafts: what was saved is there, nothing is written over unseen, and nothing that ended comes back."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contact_center.errors import Conflict, DraftChanged, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.desk import DraftKind, SavedDraft
from contact_center.model.words import Role
from contact_center.store import Store, blobs, journal
from contact_center.store.repositories import access, timeline
from contact_center.store.repositories import drafts as rows
from contact_center.tickets import drafts, lifecycle, merging
from contact_center.tickets.drafts import Writing
from tests.intake.world import make_world
from tests.tickets.test_threading import Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    world = await make_world(store)
    made = Desk(world, await store.write(access.add_user, 1, "a@x", "Anna", Role.AGENT, None, world.clock()))
    await store.write(access.set_grants, made.agent, [1])
    return made


async def boris(desk: Desk) -> int:
    return int(await desk.store.write(access.add_user, 1, "b@x", "Boris", Role.AGENT, None, desk.clock()))


async def save(
    desk: Desk, ticket_id: int, version: int, text: str, author: int = 0, kind: DraftKind = DraftKind.REPLY, **fields: Any
) -> Any:
    author = author or desk.agent
    ticket = await desk.ticket(ticket_id)
    writing = Writing(text, **fields)
    return await desk.store.write(drafts.save, Act(desk.clock(), author), 1, ticket, author, kind, writing, version)


async def upload(desk: Desk, author: int) -> int:
    def keep(connection: Any) -> int:
        blobs.put(connection, "a" * 64, 4, b"file")
        values = {"sha256": "a" * 64, "filename": "a.txt", "content_type": "text/plain", "size": 4, "created_at": desk.clock()}
        return timeline.add_attachment(connection, uploader_id=author, **values).id

    return int(await desk.store.write(keep))


async def marks(desk: Desk, ticket_id: int) -> list[tuple[int, str, str]]:
    return [(row["author_id"], row["kind"], row["text"]) for row in await desk.store.read(rows.open_of, ticket_id)]


STEPS = st.lists(
    st.tuples(st.sampled_from(["save", "clear", "discard", "send"]), st.integers(0, 1), st.text("ab", max_size=2)), max_size=25
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_two_windows_never_write_over_each_other_unseen(desk: Desk, steps: list[tuple[str, int, str]]) -> None:
    """Each window saves from the version it knows. What stands is what the last accepted save said; versions only grow; a window
    that is behind is refused, and told the version it missed, unless it says the same."""
    desk.clock.move(hours=1)  # who writes too often gets one ticket for it all
    _, ticket_id = await desk.mail("ivan@x")
    known, text, version, seen_versions = [0, 0], "", 0, {0}
    for step, window, words in steps:
        if step in ("discard", "send"):
            ticket = await desk.ticket(ticket_id)
            if step == "discard":
                await desk.store.write(drafts.discard, desk.act, 1, ticket, desk.agent, DraftKind.NOTE)
            else:
                await desk.store.write(lifecycle.add_note, desk.act, 1, ticket_id, "sent")
            version, text = (version + 1, "") if text else (version, text)
            continue
        wanted = "" if step == "clear" else words
        try:
            saved = await save(desk, ticket_id, known[window], wanted, kind=DraftKind.NOTE)
        except DraftChanged as refusal:
            assert known[window] != version
            assert wanted != text, "the same words are no conflict"
            known[window] = refusal.details["version"]
            assert known[window] == version
            continue
        assert known[window] == version or wanted == text
        changed = known[window] == version and not (not wanted and not text)
        version, text = (version + 1, wanted) if changed else (version, text)
        known[window] = saved.version
        assert (saved.version, saved.text, saved.open) == (version, text, bool(text))
        if changed:
            assert version not in seen_versions
            seen_versions.add(version)
    assert [row[2] for row in await marks(desk, ticket_id)] == ([text] if text else [])


async def test_a_draft_goes_with_its_files_to_whoever_takes_it_over(desk: Desk) -> None:
    """The words and the uploads become theirs, the history says so, and the first author's windows cannot bring it back."""
    _, ticket_id = await desk.mail("ivan@x")
    other, file = await boris(desk), await upload(desk, desk.agent)
    saved = await save(desk, ticket_id, 0, "Dear Ivan", to="i@x", attachment_ids=(file,))
    ticket = await desk.ticket(ticket_id)
    act = Act(desk.clock(), other)
    taken: SavedDraft = await desk.store.write(drafts.take, act, 1, ticket, saved.id, other)
    assert (taken.author_id, taken.text, taken.to, [each.id for each in taken.files]) == (other, "Dear Ivan", "i@x", [file])
    assert await marks(desk, ticket_id) == [(other, "reply", "Dear Ivan")]
    last = (await desk.store.read(timeline.of_ticket, ticket_id))[-1]
    assert last.change is not None
    assert (last.change.field, last.change.before, last.change.after, last.author_id) == ("draft", desk.agent, other, other)
    with pytest.raises(DraftChanged):
        await save(desk, ticket_id, saved.version, "Dear Ivan, and more")
    with pytest.raises(NotFound):
        await desk.store.write(drafts.take, act, 1, ticket, saved.id, other)


async def test_nobody_loses_their_own_by_taking_over(desk: Desk) -> None:
    """Who writes there already is asked to decide about that first; a file of somebody else's is no attachment of one's own."""
    _, ticket_id = await desk.mail("ivan@x")
    other, file = await boris(desk), await upload(desk, desk.agent)
    saved = await save(desk, ticket_id, 0, "Anna's")
    await save(desk, ticket_id, 0, "Boris's", other)
    with pytest.raises(Conflict, match="draft of your own"):
        await desk.store.write(drafts.take, Act(desk.clock(), other), 1, await desk.ticket(ticket_id), saved.id, other)
    with pytest.raises(Invalid, match="attachments"):
        await save(desk, ticket_id, 1, "Boris's", other, attachment_ids=(file,))


async def test_an_answer_ends_the_draft_it_was(desk: Desk) -> None:
    """Sending a reply ends the reply's draft and leaves the note's; a note the other way round."""
    _, ticket_id = await desk.mail("ivan@x")
    await save(desk, ticket_id, 0, "an answer")
    await save(desk, ticket_id, 0, "a note", kind=DraftKind.NOTE)
    await desk.reply(ticket_id)
    assert await marks(desk, ticket_id) == [(desk.agent, "note", "a note")]
    await desk.store.write(lifecycle.add_note, desk.act, 1, ticket_id, "a note")
    assert await marks(desk, ticket_id) == []


async def test_nothing_of_a_draft_is_told(desk: Desk) -> None:
    """The journal says that something stands beside the ticket, once when it begins and once when it ends, and no word of it."""
    _, ticket_id = await desk.mail("ivan@x")
    before = await desk.store.read(journal.horizon)
    for version, text in enumerate(("secret one", "secret two", "secret three", "")):
        await save(desk, ticket_id, version, text, to="secret@x")
    events = await desk.store.read(journal.read_after, before, 100)
    assert [event.type for event in events] == ["desk.changed", "desk.changed"]
    assert "secret" not in str(events)


async def test_drafts_end_after_ninety_days(desk: Desk) -> None:
    """What nobody touched for so long is dropped; what was touched since stays."""
    _, old = await desk.mail("ivan@x")
    _, fresh = await desk.mail("olga@x")
    await save(desk, old, 0, "old")
    desk.clock.move(days=89)
    await save(desk, fresh, 0, "fresh")
    border = desk.clock()
    desk.clock.move(days=2)
    await desk.store.write(rows.forget_old, border)
    assert [await marks(desk, old), await marks(desk, fresh)] == [[], [(desk.agent, "reply", "fresh")]]


@pytest.mark.parametrize("there", ["", "sent", "open"])
async def test_a_draft_goes_along_when_its_ticket_becomes_part_of_another(desk: Desk, there: str) -> None:
    """Whether its author has never written in the other ticket, has answered there before, or writes there now: every word is there."""
    _, survivor = await desk.mail("ivan@x")
    _, loser = await desk.mail("ivan@x", subject="Two")
    if there:
        await save(desk, survivor, 0, "one")
    if there == "sent":
        await desk.reply(survivor)
    await save(desk, loser, 0, "two", cc="boss@x")
    await desk.store.write(merging.merge, desk.act, 1, survivor, loser)
    assert await marks(desk, survivor) == [(desk.agent, "reply", "one\n\ntwo" if there == "open" else "two")]
    assert await marks(desk, loser) == []
    (row,) = await desk.store.read(rows.open_of, survivor)
    saved = await desk.store.read(rows.saved, row)
    assert saved.cc == ("" if there == "open" else "boss@x")
    with pytest.raises(DraftChanged):
        await save(desk, survivor, saved.version - 1, "a window that has not heard of it")


async def test_two_windows_at_the_same_moment(desk: Desk) -> None:
    """Of saves from one version that come at once one is kept and the others are told, also where there was no draft yet."""
    _, ticket_id = await desk.mail("ivan@x")
    for version in (0, 1):
        outcomes = await asyncio.gather(*(save(desk, ticket_id, version, f"words {n} {version}") for n in range(4)), return_exceptions=True)
        kept = [each for each in outcomes if isinstance(each, SavedDraft)]
        assert [each.version for each in kept] == [version + 1]
        assert all(isinstance(each, SavedDraft | DraftChanged) for each in outcomes), outcomes
        assert [row[2] for row in await marks(desk, ticket_id)] == [kept[0].text]
