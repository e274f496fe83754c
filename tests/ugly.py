"""The ugliest shop there can be, made through the doors that everybody uses: SMTP, the API, a form. Pages must bear it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiohttp
import aiosmtplib

from contact_center.channels.web_form.challenge import solve

ARABIC = "عبد الرحمن بن محمد بن عبد العزيز آل مكتوم الهاشمي القرشي التميمي"
UNBROKEN = "Wolfeschlegelsteinhausenbergerdorff" * 5
SUBJECT_WORDS = " ".join(f"Betreff{number:03d}" for number in range(90))  # 899 characters
SUBJECT_UNBROKEN = "x" * 900
QUOTED = "".join(f"{'>' * level} On day {level} somebody wrote:\n{'>' * level} Line of level {level}\n" for level in range(1, 201))
MARKUP = """<table width="3000"><tr><td style="white-space:nowrap">One very wide table</td><td>x</td></tr></table>
<pre>{}</pre><img width="4000" height="10" src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><div style="width:5000px">wide</div>"""
ZALGO = "Z̸̡̢̛͔̮̟̪̩̫̘̼̖̗̙̦̬͓̙̗̬͖̦͙̈́̅͛̆́͛̃̓̈́̉̆a̷͍̟̝̗̬̳̅l̶̢̛g̸͚̈́o̵͎͆ 👩‍👩‍👧‍👦🏳️‍🌈 \u202eright to left\u202c"


def mail(sender: str, subject: str, text: str, html: str = "") -> EmailMessage:
    """A mail to the embedded inbox; the sender's name is written as it is."""
    made = EmailMessage()
    name, _, address = sender.rpartition(" ")
    made["From"], made["To"], made["Subject"] = f'"{name}" {address}', "support@localhost", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def mails() -> list[EmailMessage]:
    """One mail for each way of being ugly."""
    files = mail("Sixty Files <files@example.org>", "Sixty attachments", "All of them")
    for number in range(60):
        files.add_attachment(
            b"x" * (1 + number * 997), maintype="application", subtype="pdf", filename=f"{'Scan' * (number % 12 + 1)}-{number}.pdf"
        )
    return [
        mail("Emil Nobody <empty@example.org>", "", ""),
        mail("Long Words <words@example.org>", SUBJECT_WORDS, "Short text"),
        mail("Long Word <word@example.org>", SUBJECT_UNBROKEN, "y" * 6000),
        mail(f"{ARABIC} <arabic@example.org>", "أين طلبي رقم ١١٧؟", "السلام عليكم ورحمة الله وبركاته\n\nأين طلبي؟ order 117 لم يصل."),
        mail(f"{UNBROKEN} <{'a' * 60}@{'b' * 60}.{'c' * 60}.example.org>", "Very long name", f"https://example.org/{'path/' * 400}"),
        mail("Two Hundred <quotes@example.org>", "Quoted two hundred times", f"My answer\n\n{QUOTED}"),
        mail("Wide Layout <wide@example.org>", "Wide layout", "wide", MARKUP.format("z" * 2000)),
        mail(f"{ZALGO} <zalgo@example.org>", ZALGO, ZALGO * 20),
        mail("Much Text <much@example.org>", "Much text", "A line that is quite ordinary.\n" * 4000),
        mail("Forty Points <points@example.org>", "A contact with forty points", "Hello"),
        files,
    ]


@contextlib.asynccontextmanager
async def signed_in(url: str, email: str, password: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the API."""
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        async with client.post("/api/v1/session", json={"email": email, "password": password}) as answer:
            assert answer.ok, await answer.text()
        yield client


async def fill(url: str, mail_port: int, email: str, password: str) -> None:
    """Fill a running server with all of it."""
    for number, each in enumerate(mails()):
        each["Message-ID"] = f"<ugly{number}@example.org>"
        await aiosmtplib.send(each, hostname="127.0.0.1", port=mail_port, timeout=20)
    async with signed_in(url, email, password) as client:
        await _huge_form(client, url)
        await _organize(client)
        await _forty_points(client)


async def ask(client: aiohttp.ClientSession, method: str, path: str, **body: Any) -> Any:
    """One request, which must be accepted."""
    headers = {"Idempotency-Key": f"{path}{json.dumps(body)}"[:150]}
    async with client.request(method, path, json=body or None, headers=headers) as answer:
        assert answer.ok, f"{path}: {await answer.text()}"
        return await answer.json()


async def _huge_form(client: aiohttp.ClientSession, url: str) -> None:
    fields = [{"name": "email", "label": "E-mail", "type": "email", "required": True}]
    fields += [{"name": f"f{n}", "label": f"{'Ein sehr langes Etikett ' * (n % 6 + 1)}{n}", "type": "textarea"} for n in range(39)]
    options = {"fields": json.dumps(fields), "difficulty": 8, "title": "Formular" * 12}
    channel = await ask(
        client, "POST", "/api/v1/channels", kind="web_form", name="Kontakt" * 20, address="huge", queue_id=1, options=options, check=False
    )
    hook = channel["hook_url"]
    async with client.get(f"{url}{hook.partition(url)[2] or hook}/challenge") as answer:
        challenge = (await answer.json())["challenge"]
    values = {"email": "form@example.org"} | {f"f{n}": ("value " * 60 if n % 2 else "v" * 900) for n in range(39)}
    body = {"challenge": challenge, "solution": await asyncio.to_thread(solve, challenge), "fields": values}
    async with client.post(hook, json=body, headers={"Accept": "application/json"}) as answer:
        assert answer.ok, await answer.text()


async def _organize(client: aiohttp.ClientSession) -> None:
    """A queue, a colleague and a company with names as long as they may be; a ticket with fifty tags."""
    queue = await ask(client, "POST", "/api/v1/queues", name="Warteschlange" * 15)
    await ask(client, "POST", "/api/v1/users", name="Colleague" * 20, email="long@example.org", role="agent", queue_ids=[1, queue["id"]])
    known = await tickets(client, 12)
    wide = known["Wide layout"]
    await ask(client, "PATCH", f"/api/v1/tickets/{wide}", tags=[f"{'tag' * (n % 19 + 1)}{n}" for n in range(50)], queue_id=queue["id"])
    await ask(client, "POST", f"/api/v1/tickets/{wide}/notes", text="n" * 3000)
    await ask(
        client,
        "POST",
        f"/api/v1/tickets/{wide}/replies",
        text="r" * 3000,
        cc=[{"name": "", "email": f"copy{n}@example.org"} for n in range(40)],
    )


async def _forty_points(client: aiohttp.ClientSession) -> None:
    known = await tickets(client, 12)
    ticket = await ask(client, "GET", f"/api/v1/tickets/{known['A contact with forty points']}")
    path = f"/api/v1/contacts/{ticket['contact']['id']}"
    for n in range(20):
        await ask(client, "POST", f"{path}/points", kind="phone", value=f"+7916{n:07d}")
        await ask(
            client, "POST", f"{path}/points", kind="email", value=f"{'local' * (n % 10 + 1)}.{n}@{'domain' * (n % 9 + 1)}.example.org"
        )
    await ask(client, "PATCH", path, note="Pinned " * 400)


async def tickets(client: aiohttp.ClientSession, count: int) -> dict[str, int]:
    """Ids of tickets by subject, when all of them have come."""
    for _ in range(300):
        found = (await ask(client, "GET", "/api/v1/tickets?view=all&limit=100"))["items"]
        if len(found) >= count:
            return {ticket["subject"]: ticket["id"] for ticket in found}
        await asyncio.sleep(0.1)
    raise TimeoutError(f"only {len(found)} of {count} tickets came")
