"""kill -9 in the middle of a rule: after the start every ticket has what the rule gives, once."""

import asyncio
import contextlib
import os
import smtplib
import sqlite3
import time
from pathlib import Path

import aiohttp
import pytest

from contact_center import failpoints
from contact_center.testing import a_mail
from tests import servers
from tests.journeys.conftest import PASSWORD, Served


async def _ask(client: aiohttp.ClientSession, path: str, body: object) -> None:
    async with client.post(f"/api/v1{path}", json=body) as response:
        assert response.status == 201, await response.text()


def _deliver(served: Served, number: int) -> None:
    """A mail, whose sender tries again as mail servers do, unless the process has died."""
    assert served.process is not None
    while served.process.poll() is None:
        with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", served.mail_port, timeout=20) as smtp:
            smtp.send_message(a_mail(sender=f"c{number}@example.com", message_id=f"<m{number}@example.com>"))
            return
        time.sleep(0.1)  # "later", as an MTA hears it


def _notes(folder: Path) -> dict[int, int]:
    """How many notes each ticket has."""
    with sqlite3.connect(f"file:{folder / 'data' / 'contact-center.sqlite3'}?mode=ro", uri=True) as connection:
        found = connection.execute(
            "SELECT ticket.id, (SELECT count(*) FROM interaction i WHERE i.ticket_id = ticket.id AND i.kind = 'note') FROM ticket"
        )
        return dict(found.fetchall())


async def test_a_rule_acts_once_wherever_the_process_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies twice when a rule has acted and the commit is still to come: nothing is lost and nothing done twice."""
    served = Served(tmp_path, servers.free_port(), servers.free_port())
    served.start()
    try:
        async with aiohttp.ClientSession(served.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            token = served.first_login.partition("#")[2]
            await _ask(client, "/first-login", {"token": token, "name": "Admin", "email": "admin@example.com", "password": PASSWORD})
            rule = {"name": "R", "trigger": "ticket_created", "conditions": {"all": []}, "actions": [{"do": "add_note", "value": "Seen"}]}
            await _ask(client, "/rules", rule)
        for number, order in enumerate(("kill@1", "kill@2")):
            await asyncio.to_thread(served.kill)
            monkeypatch.setitem(os.environ, failpoints.VARIABLE, f"rule.fired={order}")
            await asyncio.to_thread(served.start)
            for each in range(3):
                await asyncio.to_thread(_deliver, served, 10 * number + each)
            assert served.process is not None
            await asyncio.to_thread(served.process.wait, 20)
        await asyncio.to_thread(served.kill)  # it has died: what is left is to close its output
        monkeypatch.delitem(os.environ, failpoints.VARIABLE)
        await asyncio.to_thread(served.start)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and set(_notes(tmp_path).values()) != {1}:
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)  # a second time would come soon
    finally:
        served.stop()
    notes = _notes(tmp_path)
    assert len(notes) >= 2
    assert set(notes.values()) == {1}
