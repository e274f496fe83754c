"""A form on a running server, over HTTP: what is taken in once, what is refused, and who may see what."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contact_center.channels.web_form.challenge import solve
from contact_center.intake.pipeline import AccountInbox
from contact_center.store.schema import metadata
from contact_center.testing import RunningApp, a_mail, running_app
from tests.channels.web_form.helpers import ANNA, JSON, Visitor, open_form, visiting


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[RunningApp]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
async def visitor(app: RunningApp) -> AsyncIterator[Visitor]:
    async with visiting(app) as found:
        yield found


async def tickets(app: RunningApp) -> list[Any]:
    await app.settled()
    async with app.session() as agent, agent.get("/api/v1/tickets?view=all") as response:
        return sorted((await response.json())["items"], key=lambda ticket: ticket["number"])


async def history(app: RunningApp, ticket: Any) -> list[Any]:
    async with app.session() as agent, agent.get(f"/api/v1/contacts/{ticket['contact']['id']}/timeline") as response:
        assert response.status == 200, await response.text()
        entries = (await response.json())["items"]
    return sorted((entry for entry in entries if entry["change"] is None), key=lambda entry: entry["id"])


async def act(app: RunningApp, path: str, body: Any, key: str = "1") -> None:
    async with app.session() as agent, agent.post(path, json=body, headers={"Idempotency-Key": key}) as response:
        assert response.status < 300, await response.text()


async def reply(app: RunningApp, ticket: Any, text: str) -> None:
    """Answer as an agent does, and wait until it is sent."""
    await act(app, f"/api/v1/tickets/{ticket['id']}/replies", {"text": text})
    async with asyncio.timeout(20):
        while (await history(app, ticket))[-1]["delivery"]["state"] != "sent":
            await asyncio.sleep(0.05)


async def test_a_submission_becomes_a_ticket_with_its_facts(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request(ANNA | {"phone": "+7 916 123-45-67"}, attribution={"utm_source": "news", "visit_code": "7KQ2M"})

    (ticket,) = await tickets(app)
    (entry,) = await history(app, ticket)
    assert (ticket["channel"], ticket["contact"]["name"], ticket["subject"]) == ("web_form", "Anna", "Write to us")
    assert entry["facts"]["attribution"] == {"utm_source": "news", "visit_code": "7KQ2M"}
    assert "Visit code: 7KQ2M" in entry["text"]
    assert path.rpartition("/")[2] not in str(entry)


async def test_files_come_along(app: RunningApp, visitor: Visitor) -> None:
    work = await visitor.worked()
    form = aiohttp.FormData(work | {"f-name": "Anna", "f-message": "See the photo"}, quote_fields=False)
    form.add_field("f-photos", b"\x89PNG" + b"x" * 300_000, filename="../../photo.png", content_type="image/png")
    async with visitor.client.post(visitor.base, data=form, headers=JSON) as response:
        assert response.status == 200, await response.text()

    (entry,) = await history(app, (await tickets(app))[0])
    assert [(file["filename"], file["size"]) for file in entry["attachments"]] == [("photo.png", 300_004)]


async def test_a_browser_without_our_script_gets_pages(app: RunningApp, visitor: Visitor) -> None:
    form = aiohttp.FormData(await visitor.worked() | {"f-name": "Anna", "f-message": "Hello"})
    async with visitor.client.post(visitor.base, data=form, headers={"Accept": "text/html"}) as response:
        assert response.status == 200
        assert "Your private page" in await response.text()
    async with visitor.client.post(visitor.base, data={"f-name": "Anna"}, headers={"Accept": "text/html"}) as response:
        assert response.status == 422
        assert 'value="Anna"' in await response.text()  # nothing has to be written twice


# Spam.


async def test_a_replay_gets_the_same_thanks_and_makes_nothing(app: RunningApp, visitor: Visitor) -> None:
    body = await visitor.worked() | {"fields": ANNA}
    answers = [await visitor.post(visitor.base, body) for _ in range(3)]
    answers += await asyncio.gather(*(visitor.post(visitor.base, body) for _ in range(5)))

    assert {status for status, _ in answers} == {200}
    assert len({answer["path"] for _, answer in answers}) == 1
    assert len(await tickets(app)) == 1


async def test_one_solution_sends_one_message(app: RunningApp, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that was used for something else is refused aloud: what was changed meanwhile must not be lost in silence."""
    monkeypatch.setattr("contact_center.channels.web_form.connector.SETTLES_WITHIN", 0.1)
    body = await visitor.worked() | {"fields": ANNA}
    await visitor.post(visitor.base, body)
    await app.settled()

    status, answer = await visitor.post(visitor.base, body | {"fields": ANNA | {"message": "Something else"}})

    assert (status, answer["code"]) == (409, "used")
    assert len(await tickets(app)) == 1


async def test_of_two_wordings_at_once_the_second_is_told(app: RunningApp, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both saw an unused solution; only one was taken in, and whoever sent the other is not thanked for it."""
    monkeypatch.setattr("contact_center.channels.web_form.connector.SETTLES_WITHIN", 0.3)
    work = await visitor.worked()
    wordings = [f"Wording {number}" for number in range(6)]
    answers = await asyncio.gather(*(visitor.post(visitor.base, work | {"fields": ANNA | {"message": each}}) for each in wordings))
    await app.settled()

    taken = [each for each, (status, _) in zip(wordings, answers, strict=True) if status == 200]
    assert sorted(status for status, _ in answers) == [200] + [409] * 5
    assert {answer["code"] for status, answer in answers if status == 409} == {"used"}
    (ticket,) = await tickets(app)
    assert taken[0] in (await history(app, ticket))[0]["text"]


async def test_one_address_sends_so_much_a_minute(tmp_path: Path) -> None:
    """Beyond it they are told so in words, page and program alike; reading goes on, and other addresses are not touched."""
    async with running_app(tmp_path / "data", security={"trusted_proxies": ("127.0.0.1",)}) as app:
        async with visiting(app, posts_per_minute=2, language="ru") as visitor:
            headers = JSON | {"X-Forwarded-For": "198.51.100.7"}
            statuses = []
            for _ in range(3):
                body = await visitor.worked() | {"fields": ANNA}
                async with visitor.client.post(visitor.base, json=body, headers=headers) as response:
                    statuses.append(response.status)
                    answer = await response.json()
            assert statuses == [200, 200, 429]
            assert (answer["code"], response.headers["Retry-After"]) == ("too_often", "60")
            assert "подождите минуту" in answer["message"]
            async with visitor.client.post(visitor.base, data={"f-name": "A"}, headers=headers | {"Accept": "text/html"}) as response:
                assert response.status == 429
                assert "подождите минуту" in await response.text()
            assert (await visitor.page(visitor.base))[0] == 200
            assert (await visitor.send())[0] == 200  # from 127.0.0.1
            # A stranger cannot choose an address for themselves by adding one in front.
            forged = {"X-Forwarded-For": "203.0.113.1, 198.51.100.7"}
            async with visitor.client.post(visitor.base, json=body, headers=JSON | forged) as response:
                assert response.status == 429
        assert len(await tickets(app)) == 3


@pytest.mark.parametrize("work", [{}, {"challenge": "1.8.abc.def", "solution": "1"}], ids=["none", "forged"])
async def test_without_work_nothing_is_taken_in(app: RunningApp, visitor: Visitor, work: dict[str, str]) -> None:
    status, answer = await visitor.post(visitor.base, work | {"fields": ANNA})

    assert (status, answer["code"]) == (409, "refused")
    assert await tickets(app) == []


async def test_work_for_another_form_is_refused(app: RunningApp, visitor: Visitor) -> None:
    async with visiting(app, address="other") as other:
        status, answer = await visitor.post(visitor.base, await other.worked() | {"fields": ANNA})

    assert (status, answer["code"]) == (409, "refused")


async def test_the_trap_is_told_aloud(app: RunningApp, visitor: Visitor) -> None:
    """A browser that fills in forms by itself may have walked into it for a customer."""
    status, answer = await visitor.send(leave_empty="https://spam.example")

    assert (status, answer["code"]) == (422, "trap")
    assert "hidden field" in answer["message"]
    assert await tickets(app) == []


async def test_a_wrong_answer_costs_no_work(visitor: Visitor) -> None:
    """Errors are told before the solution is used, so that it still serves for the next try."""
    work = await visitor.worked()
    status, answer = await visitor.post(visitor.base, work | {"fields": ANNA | {"email": "anna"}})
    assert (status, list(answer["errors"])) == (422, ["email"])

    status, _ = await visitor.post(visitor.base, work | {"fields": ANNA})
    assert status == 200


async def test_consent_is_asked_for_and_kept(app: RunningApp) -> None:
    async with visiting(app, consent_text="I agree to the rules of 2026.") as visitor:
        status, answer = await visitor.send()
        assert (status, list(answer["errors"])) == (422, ["consent"])
        await visitor.request(consent=True)

    (entry,) = await history(app, (await tickets(app))[0])
    consent = entry["facts"]["consent"]
    assert consent["text"] == "I agree to the rules of 2026."
    assert len(consent["sha256"]) == 64
    assert consent["at"].startswith("20")


async def test_too_large_a_request_is_refused(visitor: Visitor) -> None:
    async with visitor.client.post(
        visitor.base, data=io.BytesIO(b"x" * (31 * 1024 * 1024)), headers=JSON | {"Content-Type": "application/json"}
    ) as response:
        assert response.status == 413


# The private page.


async def test_the_customer_reads_the_answer_and_answers_back(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    (ticket,) = await tickets(app)
    await reply(app, ticket, "It is on its way.")

    status, page = await visitor.page(path)
    assert status == 200
    for words in ("Where is order 117?", "It is on its way.", "Request 1", "We have answered"):
        assert words in page

    status, answer = await visitor.add(path, text="Thank you!")
    assert (status, answer) == (200, {"moved": None})
    (again,) = await tickets(app)
    assert [entry["text"] for entry in await history(app, again)][-1] == "Thank you!"
    assert again["status"] == "open"
    assert "Thank you!" in (await visitor.page(path))[1]


@pytest.mark.parametrize("who", [{"email": "anna@example.com"}, {"phone": "8 916 123-45-67"}, {}], ids=["mail", "phone", "nobody"])
async def test_whoever_wrote_their_next_message_joins(app: RunningApp, visitor: Visitor, who: dict[str, str]) -> None:
    path = await visitor.request({"name": "Anna", "message": "First"} | who)
    await visitor.request({"name": "Boris", "message": "Another's"})
    await app.settled()
    await visitor.add(path, text="Second")

    found = await tickets(app)
    assert len(found) == 2
    assert [entry["text"].splitlines()[-1].removeprefix("Message: ") for entry in await history(app, found[0])] == ["First", "Second"]


async def test_the_page_shows_no_note_and_no_other_ticket(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    await visitor.request(ANNA | {"message": "Another matter of the same person"})
    (first, _) = await tickets(app)
    await act(app, f"/api/v1/tickets/{first['id']}/notes", {"text": "This one is difficult"})
    await app.deliver(a_mail(sender="anna@example.com", text="By mail, about something else"))

    _, page = await visitor.page(path)
    news = str(await visitor.news(path))
    for hidden in ("difficult", "Another matter", "By mail"):
        assert hidden not in page
        assert hidden not in news


async def test_before_it_is_understood_the_page_says_so(app: RunningApp, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contact_center.channels.web_form.connector.SETTLES_WITHIN", 0.0)
    monkeypatch.setattr(app.product.pipeline, "settle_all", lambda: asyncio.sleep(0))
    path = await visitor.request()

    assert (await visitor.page(path))[0] == 200
    assert "being processed" in (await visitor.page(path))[1]
    assert await visitor.news(path) == {"version": "0", "number": None}


async def test_an_unknown_key_opens_nothing(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key asks the store the same two questions, so that the time of an answer tells nothing."""
    path = await visitor.request()
    key = path.rpartition("/")[2]
    asked: list[str] = []
    asked_of = {"ticket": AccountInbox.ticket, "unknown": AccountInbox.unknown}
    for name in ("ticket", "unknown"):

        async def counted(self: AccountInbox, argument: Any, name: str = name) -> Any:
            asked.append(name)
            return await asked_of[name](self, argument)  # type: ignore[operator]

        monkeypatch.setattr(AccountInbox, name, counted)

    for wrong in ("a" * 48, key[::-1], key[:-1], key + "a", "1", "%00", key.upper()):
        asked.clear()
        status, page = await visitor.page(f"{visitor.base}/r/{wrong}")
        assert status == 404
        assert "Where is order" not in page
        assert asked == ["ticket", "unknown"]
    for verb in ("messages", "callback", "challenge"):
        async with visitor.client.post(f"{visitor.base}/r/{'a' * 48}/{verb}", json={}) as response:
            assert response.status == 404


async def test_the_ledgers_name_alone_opens_nothing(visitor: Visitor) -> None:
    """Whoever knows the first part of a key, by which its raw item is named, learns that there is one and no more."""
    path = await visitor.request()
    key = path.rpartition("/")[2]
    _, page = await visitor.page(f"{visitor.base}/r/{key[:16]}{'a' * 32}")

    assert "Where is order" not in page


async def test_another_forms_address_opens_no_page(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    async with visiting(app, address="other") as other:
        status, _ = await other.page(f"{other.base}/r/{path.rpartition('/')[2]}")

    assert status == 404


async def test_the_page_takes_no_work_done_for_the_form(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    await app.settled()
    status, answer = await visitor.post(f"{path}/messages", await visitor.worked() | {"text": "Hello"})

    assert (status, answer["code"]) == (409, "refused")


async def test_a_repeated_message_stands_once(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    await app.settled()
    body = await visitor.worked(path) | {"text": "Once"}
    assert {(await visitor.post(f"{path}/messages", body))[0] for _ in range(3)} == {200}

    (ticket,) = await tickets(app)
    assert [entry["text"] for entry in await history(app, ticket)].count("Once") == 1


# Calls.


async def test_a_call_back_is_one_demand_a_person(app: RunningApp, visitor: Visitor) -> None:
    path = await visitor.request()
    await app.settled()
    for number in ("+7 916 123-45-67", "+7 916 123-45-67", "+7 916 765-43-21"):
        status, _ = await visitor.add(path, "callback", phone=number)
        assert status == 200

    first, call = await tickets(app)
    assert (call["subject"], call["about"]) == ("", {"type": "form", "callback": True})
    assert first["contact"]["id"] == call["contact"]["id"]
    asked = [entry for entry in await history(app, call) if entry["ticket_id"] == call["id"]]
    assert len(asked) == 3
    assert "+7 916 765-43-21" in asked[-1]["text"]


async def test_a_form_may_ask_for_a_call_at_once(app: RunningApp, visitor: Visitor) -> None:
    await visitor.request(ANNA | {"phone": "+7 916 123-45-67"}, callback=True)

    (ticket,) = await tickets(app)
    (entry,) = await history(app, ticket)
    assert "Please call me back" in entry["text"]
    assert entry["facts"]["callback"] is True


async def test_whoever_claims_anothers_number_reads_nothing_of_theirs(app: RunningApp, visitor: Visitor) -> None:
    """Two forms that claim one number are two tickets, whoever came first, and no page shows what the other holds."""
    phone = {"name": "Anna", "phone": "+7 916 123-45-67"}
    before = await visitor.request(phone | {"name": "Eve", "message": "Tell me"}, callback=True)
    await visitor.request(phone | {"message": "My secret order"}, callback=True)
    after = await visitor.request(phone | {"name": "Eve", "message": "Tell me more"}, callback=True)
    await app.settled()
    found = await tickets(app)
    assert len(found) == 3
    await reply(app, found[1], "Dear Anna, the secret is out")

    for path, own in ((before, "Tell me"), (after, "Tell me more")):
        _, page = await visitor.page(path)
        news = str(await visitor.news(path))
        assert own in page
        for hidden in ("My secret order", "the secret is out"):
            assert hidden not in page
            assert hidden not in news


async def test_what_the_real_owner_answers_by_mail_is_not_on_the_page(app: RunningApp, visitor: Visitor) -> None:
    """Whoever fills in another's address gets an agent to write there, and must not read what its owner answers."""
    path = await visitor.request(ANNA | {"message": "Please check my contract"})
    await app.settled()
    (ticket,) = await tickets(app)
    async with app.session() as client:
        body = {"text": "What is your contract number?", "channel_id": 1}
        async with client.post(f"/api/v1/tickets/{ticket['id']}/replies", json=body, headers={"Idempotency-Key": "m"}) as response:
            assert response.status == 201, await response.text()
            key = (await response.json())["id"]
    sent = await app.store.read(lambda connection: connection.execute(text("SELECT message_key FROM outbox")).scalar_one())
    await app.deliver(a_mail(sender=ANNA["email"], text="It is 991-PRIVATE", message_id="<own@x>", answers=f"<{sent}>"))
    assert len([entry for entry in await history(app, ticket) if "991-PRIVATE" in entry["text"]]) == 1, key

    _, page = await visitor.page(path)
    assert "Please check my contract" in page
    assert "991-PRIVATE" not in page
    assert "contract number" not in page


async def test_a_form_that_offers_no_calls_takes_none(app: RunningApp) -> None:
    async with visiting(app, callback=False) as visitor:
        path = await visitor.request(callback=True)
        await app.settled()
        async with visitor.client.post(f"{path}/callback", json={"phone": "+7 916 123-45-67"}) as response:
            assert response.status == 404

    (entry,) = await history(app, (await tickets(app))[0])
    assert entry["facts"]["callback"] is False


async def test_settings_are_tried_before_they_are_saved(app: RunningApp) -> None:
    with pytest.raises(AssertionError, match="phone"):
        await open_form(app, fields=[{"name": "name", "label": "Name"}])
    with pytest.raises(AssertionError, match="Field 1, label"):
        await open_form(app, fields=[{"name": "name"}])


async def test_the_script_can_be_loaded_by_another_site(visitor: Visitor) -> None:
    async with visitor.client.get(f"{visitor.base}/embed.js") as response:
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert response.content_type == "text/javascript"


def test_solving_costs_what_it_says() -> None:
    assert solve("1.0.x") == "0"


async def attach(admin: aiohttp.ClientSession, name: str, content: bytes) -> int:
    async with admin.post(f"/api/v1/attachments?filename={name}", data=content, headers={"Content-Type": "text/html"}) as response:
        assert response.status == 201, await response.text()
        return int((await response.json())["id"])


async def test_files_of_an_answer_can_be_downloaded_and_nothing_else(app: RunningApp, visitor: Visitor) -> None:
    """The link is the permission: this page's answers, as downloads that cannot run as pages of ours; any other file is not there."""
    path = await visitor.request()
    other = await visitor.request(ANNA | {"email": "other@example.com"})
    (first, second) = await tickets(app)
    async with app.session() as admin:
        ids = [await attach(admin, "bill.html", b"<script>alert(1)</script>"), await attach(admin, "secret.txt", b"secret")]
        unsent = await attach(admin, "draft.txt", b"draft")
        for ticket, file in ((first, ids[0]), (second, ids[1])):
            body = {"text": "See below.", "attachment_ids": [file]}
            url = f"/api/v1/tickets/{ticket['id']}/replies"
            async with admin.post(url, json=body, headers={"Idempotency-Key": f"k{file}"}) as response:
                assert response.status == 201, await response.text()
    await app.settled()

    assert f'href="{path}/files/{ids[0]}" download>bill.html' in (await visitor.page(path))[1]
    assert f"{path}/files/{ids[0]}" in (await visitor.news(path))["thread"]
    async with visitor.client.get(f"{path}/files/{ids[0]}") as response:
        assert (response.status, await response.read()) == (200, b"<script>alert(1)</script>")
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''bill.html"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "no-store"
    wrong = [f"{path}/files/{ids[1]}", f"{path}/files/{unsent}", f"{other}/files/{ids[0]}", f"{path}/files/0{ids[0]}"]
    wrong += [f"{path}/files/", f"{path}/files/x", f"{visitor.base}/r/{'a' * 48}/files/{ids[0]}"]
    assert {(await visitor.page(each))[0] for each in wrong} == {404}


async def test_what_a_customer_sent_is_not_given_out(app: RunningApp, visitor: Visitor) -> None:
    """The page names it; as a download it would make the form a place to spread anything from."""
    path = await visitor.request()
    form = aiohttp.FormData(await visitor.worked(path) | {"text": "Look"})
    form.add_field("f-files", b"MZ", filename="tool.exe")
    async with visitor.client.post(f"{path}/messages", data=form, headers=JSON) as response:
        assert response.status == 200
    await app.settled()
    (ticket,) = await tickets(app)
    (file,) = [file for entry in await history(app, ticket) for file in entry["attachments"]]

    assert "tool.exe" in (await visitor.page(path))[1]
    assert (await visitor.page(f"{path}/files/{file['id']}"))[0] == 404


async def test_no_key_of_a_private_page_is_stored(app: RunningApp, visitor: Visitor) -> None:
    """Agents read originals, and whoever holds a copy of the database reads everything: neither opens a customer's page."""
    path = await visitor.request()
    assert (await visitor.add(path, text="More"))[0] == 200
    await app.settled()
    key = path.rpartition("/")[2]
    (ticket,) = await tickets(app)
    async with app.session() as admin:
        for entry in await history(app, ticket):
            async with admin.get(f"/api/v1/entries/{entry['id']}/original") as response:
                assert response.status == 200
                assert key[16:] not in await response.text()

    def everything(connection: Any) -> str:
        return repr([connection.execute(table.select()).all() for table in metadata.sorted_tables])

    assert key[16:] not in await app.store.read(everything)
