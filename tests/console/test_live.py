"""The live line over a real socket: order, resumption, rights, and company that does not read."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from contact_center.app import utc_now
from contact_center.contacts import book
from contact_center.model.acts import Act
from contact_center.model.people import Contact
from contact_center.model.words import Role
from contact_center.store import journal
from contact_center.store.repositories import access, contacts
from contact_center.testing import RunningApp, a_mail, running_app
from tests.api.world import CANARY, admin_id, make_session, make_user, make_world
from tests.conftest import make_database
from tests.console.helpers import Listening, console


async def horizon(app: RunningApp) -> int:
    """The newest journal number."""
    return await app.store.read(journal.horizon)


async def rename(app: RunningApp, contact_id: int, name: str) -> None:
    """One small event."""
    await app.store.write(book.rename, Act(utc_now()), 1, contact_id, name)


async def a_contact(app: RunningApp) -> int:
    """A contact with one ticket in the first queue."""
    await app.deliver(a_mail())
    found: list[Contact] = await app.store.read(contacts.search_contacts, await _admin_viewer(app), "", 0, 10)
    return found[0].id


async def _admin_viewer(app: RunningApp) -> Any:
    return await app.store.read(access.viewer_of_user, await admin_id(app))


async def test_news_arrive_in_order(server: RunningApp) -> None:
    """Every event arrives once, in the order of its number."""
    contact_id = await a_contact(server)
    async with console(server, await admin_id(server)) as heard:
        for number in range(30):
            await rename(server, contact_id, f"Name {number}")
        await heard.hears_up_to(await horizon(server))
    names = [event["data"]["contact"]["name"] for event in heard.news if event["type"] == "contact.changed"]
    assert names == [f"Name {number}" for number in range(30)]
    numbers = [event["seq"] for event in heard.news]
    assert numbers == sorted(set(numbers))


async def test_resume_replays_exactly_what_was_missed(server: RunningApp) -> None:
    """A console that was away ends with the same news as one that stayed."""
    contact_id, admin = await a_contact(server), await admin_id(server)
    async with console(server, admin) as stayed:
        async with console(server, admin) as first:
            await rename(server, contact_id, "Before")
            await first.hears_up_to(await horizon(server))
        for number in range(250):  # more than one batch of the journal
            await rename(server, contact_id, f"Away {number}")
        async with console(server, admin) as again:
            answer = await again.ask("resume", {"after": first.upto, "contacts": []})
            await rename(server, contact_id, "After")
            await again.hears_up_to(await horizon(server))
            await stayed.hears_up_to(await horizon(server))
    assert answer["ok"]
    assert first.news + again.news == stayed.news


@pytest.mark.parametrize("after", ["future", -1, None, "1", 2**62, 1.5])
async def test_resume_from_nowhere_resets(server: RunningApp, after: Any) -> None:
    """A number that this journal never gave means starting afresh."""
    async with console(server, await admin_id(server)) as heard:
        number = await horizon(server) + 1000 if after == "future" else after
        assert "reset" in await heard.ask("resume", {"after": number, "contacts": []})


async def test_resume_too_far_behind_resets(tmp_path: Any) -> None:
    """More news than the limit, or numbers no longer kept, mean starting afresh."""
    async with running_app(tmp_path / "data", replay_limit=5) as server:
        contact_id = await a_contact(server)
        for number in range(10):
            await rename(server, contact_id, f"Name {number}")
        end = await horizon(server)
        async with console(server, await admin_id(server)) as heard:
            assert "reset" in await heard.ask("resume", {"after": end - 6, "contacts": []})
            assert (await heard.ask("resume", {"after": end - 5, "contacts": []}))["ok"]
            await server.store.write(_forget_journal, end - 2)
            assert "reset" in await heard.ask("resume", {"after": end - 4, "contacts": []})
            assert (await heard.ask("resume", {"after": end - 2, "contacts": []}))["ok"]


def _forget_journal(connection: Any, upto: int) -> None:
    from sqlalchemy import delete

    from contact_center.store.schema.journal import journal as table

    connection.execute(delete(table).where(table.c.seq <= upto))


async def test_entries_come_only_for_watched_contacts(server: RunningApp) -> None:
    """Entries are sent for the contacts on screen; the rest is told without content."""
    contact_id = await a_contact(server)
    async with console(server, await admin_id(server)) as heard:
        await server.deliver(a_mail(text="Unwatched", message_id="<q2@example.com>", answers="<q1@example.com>"))
        await heard.hears_up_to(await horizon(server))
        assert not any(kind.startswith("interaction.") for kind in heard.types)
        assert (await heard.ask("watch", {"contacts": [contact_id]}))["ok"]
        await server.deliver(a_mail(text="Watched", message_id="<q3@example.com>", answers="<q1@example.com>"))
        await heard.hears(lambda me: "interaction.added" in me.types)
    assert "Watched" in str(heard.news)
    assert "Unwatched" not in [event["data"]["entry"]["text"] for event in heard.news if event["type"] == "interaction.added"]


async def test_the_last_wish_to_watch_stands(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who hurries through persons gets the news of the last one, however slowly the one before was noted."""
    contact_id = await a_contact(server)
    slowly = asyncio.Event()

    async def noted(_viewer: Any, _address: str, contacts: set[int]) -> None:
        if contact_id not in contacts:
            await slowly.wait()

    monkeypatch.setattr(server.product.console, "on_watch", noted)
    async with console(server, await admin_id(server)) as heard:
        before = asyncio.create_task(heard.ask("watch", {"contacts": [contact_id + 1]}))
        await asyncio.sleep(0)
        last = asyncio.create_task(heard.ask("watch", {"contacts": [contact_id]}))
        await asyncio.sleep(0.1)  # both have arrived, and the first is still being noted
        slowly.set()
        assert (await before)["ok"] and (await last)["ok"]
        await server.deliver(a_mail(text="Watched", message_id="<q2@example.com>", answers="<q1@example.com>"))
        await heard.hears(lambda me: "interaction.added" in me.types)


@pytest.mark.parametrize("contacts", [None, "1", [0], [-1], ["1"], [2**60], list(range(1, 52)), {"a": 1}])
async def test_unreadable_watch_is_refused(server: RunningApp, contacts: Any) -> None:
    """What is not a short list of numbers is refused, and the socket lives on."""
    async with console(server, await admin_id(server)) as heard:
        assert await heard.ask("watch", {"contacts": contacts}) == {"ok": False}
        assert (await heard.ask("watch", {"contacts": []}))["ok"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": "cc_session=guess"},
        {"Cookie": ""},
    ],
)
async def test_foreign_handshake_is_refused(server: RunningApp, headers: dict[str, str]) -> None:
    """Another site's page, and a guessed session, get no socket."""
    with pytest.raises(Refused):
        async with console(server, await admin_id(server), **headers):
            pass


async def test_guessing_contacts_yields_nothing(server: RunningApp) -> None:
    """Watching foreign contacts by number brings nothing of theirs, live or replayed."""
    world = await make_world(server)
    foreign = world.foreign.ids
    guesses = list(range(1, 40))
    async with console(server, world.people["agent"]) as heard:
        await heard.ask("watch", {"contacts": guesses})
        await rename(server, foreign["contact_id"], f"Name {CANARY}")
        await server.deliver(
            a_mail(sender=f"{CANARY}@example.com", to="other@localhost", text=CANARY, message_id="<x@example.com>"),
            account_id=foreign["channel_id"],
        )
        await rename(server, world.own.ids["contact_id"], "Seen")
        await heard.hears_up_to(await horizon(server))
        await heard.ask("resume", {"after": 0, "contacts": guesses})
        await heard.hears(lambda me: len(me.news) > 5)
    assert "Seen" in str(heard.news)
    assert CANARY not in str(heard.news)


async def test_ticket_that_leaves_the_queue_is_gone(server: RunningApp) -> None:
    """Moving a ticket to a foreign queue tells its viewers that it went, and nothing of it afterwards."""
    world = await make_world(server)
    ticket_id = world.own.ids["ticket_id"]
    async with console(server, world.people["agent"]) as heard, world.client("admin") as client:
        for body in ({"queue_id": world.foreign.queue_id}, {"subject": CANARY}):
            async with client.patch(f"/api/v1/tickets/{ticket_id}", json=body) as response:
                assert response.status == 200
        await heard.hears_up_to(await horizon(server))
    gone = [event for event in heard.news if event["type"] == "ticket.gone"]
    assert [event["data"]["ticket_id"] for event in gone] == [ticket_id]
    assert gone[0]["data"]["before"]["queue_id"] == world.own.queue_id
    assert CANARY not in str(heard.news)


async def test_removed_grant_resets_and_silences(server: RunningApp) -> None:
    """Whose grant is taken is told to start afresh and hears no more of the queue."""
    world = await make_world(server)
    async with console(server, world.people["agent"]) as heard, world.client("admin") as client:
        async with client.patch(f"/api/v1/users/{world.people['agent']}", json={"queue_ids": []}) as response:
            assert response.status == 200
        await heard.hears(lambda me: bool(me.resets))
        heard.news.clear()
        await rename(server, world.own.ids["contact_id"], "Secret")
        async with client.patch(f"/api/v1/tickets/{world.own.ids['ticket_id']}", json={"subject": "Secret"}) as response:
            assert response.status == 200
        await heard.hears_up_to(await horizon(server))
    assert "Secret" not in str(heard.news)


async def test_confidential_entries_are_stubs(server: RunningApp) -> None:
    """Of an entry in a confidential queue a colleague hears time and kind, live and replayed, before and after the move."""
    world = await make_world(server)
    own, secret_queue = world.own.ids, world.foreign.queue_id
    await server.store.write(access.change_queue, secret_queue, confidential=True)
    mail = a_mail(sender="visible@example.com", subject="Second matter", text="plain words", message_id="<second@example.com>")
    await server.deliver(mail)
    async with world.client("admin") as client:
        async with client.get(f"/api/v1/contacts/{own['contact_id']}/tickets") as response:
            second = next(row for row in await response.json() if row["subject"] == "Second matter")
        async with console(server, world.people["agent"]) as heard:
            await heard.ask("watch", {"contacts": [own["contact_id"]]})
            async with client.patch(f"/api/v1/tickets/{second['id']}", json={"queue_id": secret_queue}) as response:
                assert response.status == 200
            note = {"text": "secret words"}
            async with client.post(f"/api/v1/tickets/{second['id']}/notes", json=note, headers={"Idempotency-Key": "n"}) as response:
                assert response.status == 201
            await heard.hears(lambda me: any(event["data"].get("entry", {}).get("stub") for event in me.news))
            await heard.hears_up_to(await horizon(server))
            heard.news.clear()
            await heard.ask("resume", {"after": 0, "contacts": [own["contact_id"]]})
            entries = [event["data"]["entry"] for event in heard.news if event["type"].startswith("interaction.")]
    assert any(entry["stub"] for entry in entries)
    assert "secret words" not in str(entries)
    assert "plain words" not in str(entries), "what was said before the move went with the ticket"


async def test_idle_console_is_told_the_horizon(server: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may hear nothing still learns up to where that is complete."""
    monkeypatch.setattr("contact_center.console.live.HORIZON_SECONDS", 0.1)
    world = await make_world(server)
    async with console(server, world.people["agent"]) as heard:
        await rename(server, world.foreign.ids["contact_id"], "Other")
        await heard.hears_up_to(await horizon(server))
    assert heard.news == []


@pytest.mark.parametrize("how", ["revoke", "disable", "time"])
async def test_ended_session_closes_the_socket(server: RunningApp, how: str) -> None:
    """Revoking a session, disabling the employee or its end by time closes open consoles within 5 seconds."""
    import asyncio

    agent, admin = await make_user(server, "agent", Role.AGENT, [1]), await admin_id(server)
    token = await make_session(server, agent)
    async with console(server, agent, token=token) as heard, _client(server, admin) as client:
        if how == "disable":
            async with client.patch(f"/api/v1/users/{agent}", json={"disabled": True}) as response:
                assert response.status == 200
        elif how == "revoke":
            now = utc_now()
            await server.store.write(access.revoke_sessions, agent, now)
        else:
            services = server.product.app[_services_key()]
            object.__setattr__(services, "clock", lambda: utc_now() + timedelta(days=31))
        async with asyncio.timeout(6):
            await heard.gone.wait()
    assert heard.byes == [{"reason": "signed out"}]


def _services_key() -> Any:
    from contact_center.api.context import SERVICES

    return SERVICES


def _client(server: RunningApp, user_id: int) -> Any:
    from contextlib import asynccontextmanager

    import aiohttp

    from tests.api.world import cookie

    @asynccontextmanager
    async def make() -> Any:
        async with aiohttp.ClientSession(server.url, headers=cookie(await make_session(server, user_id))) as client:
            yield client

    return make()


async def test_two_processes_hear_each_other(postgres_server: str, tmp_path: Any) -> None:
    """A console at one process hears what another process on the same database does."""
    url = await make_database(postgres_server)
    async with running_app(tmp_path / "data", database_url=url) as one:
        contact_id, admin = await a_contact(one), await admin_id(one)
        async with _second(tmp_path, url) as two, console(two, admin) as far, console(one, admin) as near:
            for number in range(20):
                await rename(one if number % 2 else two, contact_id, f"Name {number}")
            end = await horizon(one)
            await far.hears_up_to(end)
            await near.hears_up_to(end)
    assert near.news == far.news
    assert len(near.news) == 20


def _second(tmp_path: Any, url: str) -> Any:
    """A second web process on the same database; its tables and administrator are there already."""
    from contextlib import asynccontextmanager

    from aiohttp import web

    from contact_center import app as root
    from contact_center.testing import settings_for

    @asynccontextmanager
    async def run() -> Any:
        settings = settings_for(tmp_path / "data", database_url=url)
        store = await root.open_database(settings)
        product = root.build(settings, store)
        runner = web.AppRunner(product.app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with root.running(product, workers=False):
            yield RunningApp(product, f"http://127.0.0.1:{runner.addresses[0][1]}")
            await runner.cleanup()
        await store.close()

    return run()


async def test_a_listener_class_is_independent() -> None:
    """The helper itself never reconnects behind a test's back."""
    assert isinstance(Listening().client, socketio.AsyncClient)
