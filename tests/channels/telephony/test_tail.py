"""Following the files of a PBX: every line once, whatever becomes of the file, the connector or the database meanwhile."""

import asyncio
import contextlib
import os
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contact_center.channels.base import Environment
from contact_center.channels.telephony import connector as telephony
from contact_center.channels.telephony.connector import TelephonyConnector
from contact_center.channels.telephony.options import TelephonyOptions
from contact_center.errors import ChannelMisconfigured, ChannelUnavailable
from contact_center.model.channels import ChannelAccount
from contact_center.model.messages import Cursor, RawItem
from tests.channels.doubles import MemoryInbox
from tests.channels.telephony.recordings import KILLED, NAMES, calls, lines, of, outcome
from tests.channels.telephony.recordings import expected as expected_of

ROW = '"1795296054.{0:06d}","0.000000","1795296058.375206","lab-17.{0}","lab-17.{0}","{0}","+79161112233","74951234567","PJSIP/t-{0:08x}","","Queue","NO ANSWER","4","0"'


def row(number: int) -> bytes:
    return ROW.format(number).encode()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telephony, "POLL", 0.01)
    monkeypatch.setattr(telephony, "QUIET", 0.0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "asterisk").mkdir()
    path = tmp_path / "asterisk" / "Custom.csv"
    path.touch()
    return path


@pytest.fixture
def inbox(tmp_path: Path) -> MemoryInbox:
    (tmp_path / "inbox").mkdir()
    return MemoryInbox(tmp_path / "inbox")


def a_connector(tmp_path: Path, **options: Any) -> TelephonyConnector:
    account = ChannelAccount(id=1, project_id=1, kind="telephony", name="PBX", address="lab", queue_id=1, options=options)
    environment = Environment(spool_dir=tmp_path / "data" / "spool", hostname="localhost")
    return TelephonyConnector(account, TelephonyOptions.model_validate(options), environment)


@contextlib.asynccontextmanager
async def following(inbox: MemoryInbox, **options: Any) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(a_connector(inbox.folder.parent, **options).run(inbox))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def catch_up(inbox: MemoryInbox, rounds: int = 3, **options: Any) -> None:
    """A connector that looks a few times and stops."""
    inbox.reports.clear()
    async with following(inbox, **options) as task:
        waiting = asyncio.create_task(inbox.until(lambda: len(inbox.reports) >= rounds))
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()


def custom(log: Path) -> dict[str, Any]:
    return {"cdr_file": str(log), "cdr_format": "custom"}


def write(path: Path, *told: bytes, end: bytes = b"\n") -> None:
    with path.open("ab") as file:
        file.write(b"".join(line + end for line in told))


async def test_lines_come_once_in_order(log: Path, inbox: MemoryInbox) -> None:
    """What is there and what is added later arrives once; a second connector finds nothing new."""
    write(log, row(1), row(2))
    await catch_up(inbox, **custom(log))
    write(log, row(3))
    await catch_up(inbox, **custom(log))
    before = list(inbox.log)
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1), row(2), row(3)]
    assert inbox.log == before


async def test_half_a_line_waits(log: Path, inbox: MemoryInbox) -> None:
    """A line that is still being written is not taken until its end is there."""
    write(log, row(1))
    write(log, row(2)[:40], end=b"")
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1)]
    write(log, row(2)[40:])
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1), row(2)]


async def test_batches_are_bounded(log: Path, inbox: MemoryInbox) -> None:
    """A year of calls goes into many commits of at most 500 lines, each with the place up to which it reads."""
    write(log, *(row(number) for number in range(1700)))
    sizes: list[int] = []
    accept = inbox.accept

    async def counting(items: Any, cursor: Cursor | None = None) -> None:
        sizes.append(len(items))
        await accept(items, cursor)

    inbox.accept = counting  # type: ignore[method-assign]
    await catch_up(inbox, **custom(log))
    assert [size for size in sizes if size] == [500, 500, 500, 200]
    assert len(inbox.items) == 1700


async def test_a_failed_commit_is_repeated(log: Path, inbox: MemoryInbox) -> None:
    """When accept fails the place does not move."""
    write(log, row(1))
    inbox.failure = ChannelUnavailable("the database is away")
    with pytest.raises(ChannelUnavailable):
        await catch_up(inbox, **custom(log))
    assert not inbox.cursors
    inbox.failure = None
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1)]


async def test_rotation_by_renaming(log: Path, inbox: MemoryInbox) -> None:
    """What was written between the last look and the rotation is read, also its last line without an end."""
    write(log, row(1))
    await catch_up(inbox, **custom(log))
    write(log, row(2))
    write(log, row(3), end=b"")
    log.rename(log.with_name("Custom.csv.1"))
    write(log, row(4))
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1), row(2), row(3), row(4)]


async def test_a_writer_that_keeps_the_old_file(log: Path, inbox: MemoryInbox) -> None:
    """Between renaming and reopening the writer goes on in the old file, with no new one there or with an empty one."""
    old = log.with_name("Custom.csv-20261122")
    write(log, row(1))
    async with following(inbox, **custom(log)):
        await inbox.until(lambda: len(inbox.items) == 1)
        log.rename(old)
        write(old, row(2))
        await asyncio.sleep(0.05)
        log.touch()
        await inbox.until(lambda: len(inbox.items) == 2)
        write(old, row(3))
        await inbox.until(lambda: len(inbox.items) == 3)
        write(old, row(4))
        write(log, row(5))
        await inbox.until(lambda: len(inbox.items) == 5)
    assert inbox.contents() == [row(number) for number in range(1, 6)]


async def test_rotation_by_copying_and_truncating(log: Path, inbox: MemoryInbox) -> None:
    """The copy holds what was not read yet; afterwards the short file is read from its beginning."""
    write(log, row(1), row(2))
    await catch_up(inbox, **custom(log))
    write(log, row(3))
    shutil.copy(log, log.with_name("Custom.csv.1"))
    os.truncate(log, 0)
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1), row(2), row(3)]
    accepted = list(inbox.log)
    await catch_up(inbox, **custom(log))
    assert inbox.log == accepted, "the copy is not read again and again"
    write(log, row(4))
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(number) for number in range(1, 5)]


async def test_a_truncated_file_that_grew_again(log: Path, inbox: MemoryInbox) -> None:
    """A file that is longer than before but begins otherwise is another file."""
    write(log, row(1))
    await catch_up(inbox, **custom(log))
    os.truncate(log, 0)
    write(log, *(row(number) for number in range(2, 12)))
    await catch_up(inbox, **custom(log))
    assert len(inbox.items) == 11


async def test_several_rotations_while_nobody_looked(log: Path, inbox: MemoryInbox) -> None:
    """After a long absence the files in between are read as well, and those from before are left alone."""
    write(log.with_name("Custom.csv.9"), row(90))
    os.utime(log.with_name("Custom.csv.9"), (1, 1))
    write(log, row(1))
    await catch_up(inbox, **custom(log))
    for number in (2, 3, 4):
        write(log, row(number))
        log.rename(log.with_name(f"Custom.csv.{9 - number}"))
        await asyncio.sleep(0.02)
        write(log, row(number + 10))
    await catch_up(inbox, **custom(log))
    assert sorted(inbox.contents()) == sorted(row(number) for number in (1, 2, 12, 3, 13, 4, 14))


async def test_a_missing_file_is_told_and_awaited(log: Path, inbox: MemoryInbox) -> None:
    """Without the file the account says so, and goes on as soon as it is there."""
    log.unlink()
    async with following(inbox, **custom(log)):
        await inbox.until(lambda: inbox.reports[-1:] == [False])
        write(log, row(1))
        await inbox.until(lambda: len(inbox.items) == 1 and inbox.reports[-1])


async def test_a_line_without_end_does_not_fill_the_memory(log: Path, inbox: MemoryInbox) -> None:
    """Garbage without line ends is passed on in pieces and what follows is read."""
    write(log, b"x" * 1_000_000, row(1))
    await catch_up(inbox, **custom(log))
    assert row(1) in inbox.contents()
    assert max(map(len, inbox.contents())) < 600_000


async def test_line_ends_of_windows(log: Path, inbox: MemoryInbox) -> None:
    """CR LF ends a line as LF does, and empty lines are nothing."""
    write(log, row(1), b"", row(2), end=b"\r\n")
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [row(1), row(2)]


@pytest.mark.parametrize("seed", range(6))
async def test_written_piecemeal_with_rotations(log: Path, inbox: MemoryInbox, seed: int) -> None:
    """Bytes in random pieces, rotations of both kinds and restarts of the connector at random moments: nothing lost or doubled."""
    chance = random.Random(seed)
    wanted = [row(number) for number in range(120)]
    content, done = b"".join(line + b"\n" for line in wanted), 0
    rotations = 0
    while done < len(content):
        inbox.reports.clear()
        async with following(inbox, **custom(log)):
            await inbox.until(lambda: bool(inbox.reports))
            for _ in range(chance.randrange(1, 8)):
                upto = done + chance.randrange(1, 900)
                if rotates := chance.random() < 0.25:
                    # A log is rotated between whole lines: a line is written at once.
                    upto = content.find(b"\n", upto) + 1 or len(content)
                write(log, content[done:upto], end=b"")
                done = min(upto, len(content))
                await asyncio.sleep(chance.choice((0.0, 0.005, 0.03)))
                if rotates:
                    rotations += 1
                    await asyncio.to_thread(_rotate, log, rotations, chance.random() < 0.5)
    await catch_up(inbox, rounds=5, **custom(log))
    found = [line for line in inbox.contents() if line]
    assert sorted(found) == sorted(wanted)
    assert rotations


def _rotate(log: Path, number: int, by_copy: bool) -> None:
    old = log.with_name(f"Custom.csv.{number}")
    if by_copy:
        shutil.copy(log, old)
        os.truncate(log, 0)
    else:
        log.rename(old)
        log.touch()


# queue_log.


async def test_only_lines_of_calls_are_handed_over(log: Path, inbox: MemoryInbox) -> None:
    """Agents who log in and pause, and changes of settings, are no calls."""
    told = ["1|NONE|NONE|NONE|QUEUESTART|", "2|MANAGER|support|Agent One|ADDMEMBER|", "3|NONE|NONE|Agent One|PAUSEALL|",
            "4|NONE|support|Agent One|PAUSE|", "5|NONE|NONE|NONE|CONFIGRELOAD|", "1795296054|lab-1.1|support|NONE|ENTERQUEUE||+79161112233|1"]  # fmt: skip
    write(log, *(line.encode() for line in told))
    await catch_up(inbox, queue_log_file=str(log))
    assert inbox.contents() == [told[-1].encode()]


async def test_a_start_of_the_pbx_ends_open_calls(log: Path, inbox: MemoryInbox) -> None:
    """After a kill -9 the calls that were open are cut off, also if the connector was restarted in between, and no others."""
    told = [line for _, line in lines(KILLED, "queue_log")]
    write(log, *told[:-1])
    await catch_up(inbox, queue_log_file=str(log))
    write(log, told[-1])
    await catch_up(inbox, queue_log_file=str(log))
    last = inbox.contents()[-1]
    assert last == b"1795296411|lab-1795296403.198|NONE|NONE|QUEUESTART|"
    assert len(inbox.items) == len(told)
    write(log, b"1795296500|NONE|NONE|NONE|QUEUESTART|")
    await catch_up(inbox, queue_log_file=str(log))
    assert len(inbox.items) == len(told)


# Both logs of a PBX at once, through to the calls.


async def test_recordings_from_growing_files(tmp_path: Path, inbox: MemoryInbox) -> None:
    """All recordings written piecemeal into both logs, rotated in the middle: each is one call with its outcome."""
    cdr, queue = tmp_path / "Master.csv", tmp_path / "queue_log"
    cdr.touch()
    queue.touch()
    options = {"cdr_file": str(cdr), "queue_log_file": str(queue), "agents": "PJSIP/101=Agent One; PJSIP/102=Agent Two\n103=Expert"}
    async with following(inbox, **options):
        for number, name in enumerate(NAMES):
            for path, source in ((cdr, "master"), (queue, "queue_log")):
                content = b"".join(line + b"\n" for _, line in lines(name, source))
                write(path, content[:50], end=b"")
                await asyncio.sleep(0.01)
                write(path, content[50:], end=b"")
            if number == 5:
                cdr.rename(tmp_path / "Master.csv.1")
                shutil.copy(queue, tmp_path / "queue_log.1")
                os.truncate(queue, 0)
    await catch_up(inbox, rounds=5, **options)
    found = calls(_understood(inbox.items.values()))
    wanted = [expected_of(name, *(("master", "queue_log") if lines(name, "queue_log") else ("master",))) for name in NAMES]
    assert sorted(str(outcome(call)) for call in found) == sorted(str(of(case)) for case in wanted)


def _understood(items: Any) -> list[Any]:
    from contact_center.channels.telephony.parse import parse

    return [parse(item.content or b"", item.envelope | {"old_before": 0.0}) for item in items]


async def test_answers_go_first(log: Path, inbox: MemoryInbox) -> None:
    """Of rows that come together those of answered legs are handed over first: nobody is to be called for a moment."""
    told = [line for _, line in lines("04_queue_rna_then_second_agent", "custom")]
    write(log, *told)
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [told[1], told[0]]


async def test_calls_stay_in_order(log: Path, inbox: MemoryInbox) -> None:
    """Only rows of one call change places: a call answered later is not handed over before one that was missed."""
    missed, later = row(1), row(2).replace(b'"NO ANSWER"', b'"ANSWERED"')
    write(log, missed, later)
    await catch_up(inbox, **custom(log))
    assert inbox.contents() == [missed, later]


async def test_calls_of_long_ago_are_not_cut_off(log: Path, inbox: MemoryInbox) -> None:
    """A call of which the last line was never written is not ended by a start of the PBX days later."""
    write(log, b"1795000000|lab-1.1|support|NONE|ENTERQUEUE||+79161112233|1", b"1795290000|lab-1.2|support|NONE|ENTERQUEUE||+79161112234|1")
    write(log, b"1795300000|NONE|NONE|NONE|QUEUESTART|")
    await catch_up(inbox, queue_log_file=str(log))
    assert [line for line in inbox.contents() if b"QUEUESTART" in line] == [b"1795300000|lab-1.2|NONE|NONE|QUEUESTART|"]


async def test_a_burst_is_read_when_it_is_over(log: Path, inbox: MemoryInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are written together are read together, but a file that never rests is read all the same."""
    monkeypatch.setattr(telephony, "QUIET", 30.0)
    monkeypatch.setattr(telephony, "PATIENCE", 0.2)
    write(log, row(1))
    async with following(inbox, **custom(log)):
        await asyncio.sleep(0.05)
        write(log, row(2))
        await inbox.until(lambda: len(inbox.items) == 2)
    assert inbox.log == ["accepted"]


# Any CSV.


async def test_a_csv_by_its_column_names(log: Path, inbox: MemoryInbox) -> None:
    """A log of another PBX with a header, semicolons, local times and words of its own."""
    write(log, "Дата;Кто;Куда;Тип;Итог;Ожидание;Разговор;Сотрудник".encode())
    write(log, "21.11.2026 21:20:54;8 916 111-22-33;+7 495 123-45-67;входящий;отвечен;0:04;1:05;101".encode())
    write(log, "21.11.2026 21:30:00;8 916 111-22-34;+7 495 123-45-67;входящий;пропущен;0:20;0;".encode())
    options = {
        "cdr_file": str(log), "cdr_format": "columns", "csv_delimiter": ";", "csv_header": True, "time_format": "%d.%m.%Y %H:%M:%S",
        "columns": "start=Дата, from=Кто, to=Куда, direction=Тип, result=Итог, wait=Ожидание, talk=Разговор, agent=Сотрудник",
        "timezone": "Europe/Moscow", "agents": "101=Анна Петрова",
    }  # fmt: skip
    await a_connector(inbox.folder.parent, **options).check()
    await catch_up(inbox, **options)
    answered, missed = calls(_understood(inbox.items.values()))
    assert answered.facts is not None
    assert missed.facts is not None
    assert outcome(answered)[:5] == ("answered", "in", "+79161112233", "served", ("Анна Петрова",))
    assert (answered.facts["wait_seconds"], answered.facts["talk_seconds"]) == (4, 65)
    assert answered.facts["started_at"] == "2026-11-21T18:20:54+00:00"
    assert answered.facts["ended_at"] == "2026-11-21T18:22:03+00:00"
    assert outcome(missed)[:4] == ("missed", "in", "+79161112234", "callback")


# The check before saving.


async def test_the_check_reads_the_first_lines(log: Path, tmp_path: Path) -> None:
    """Files as the settings say pass, and so do empty ones and those that only begin."""
    write(log, row(1), row(2)[:30], end=b"\n")
    log.write_bytes(row(1) + b"\n" + row(2)[:30])
    queue = tmp_path / "queue_log"
    write(queue, b"1795296054|NONE|NONE|NONE|QUEUESTART|", b"1795296054|lab-1.1|support|NONE|ENTERQUEUE||+79161112233|1")
    await a_connector(tmp_path, queue_log_file=str(queue), **custom(log)).check()
    await a_connector(tmp_path).check()


async def test_the_check_says_what_is_wrong(log: Path, tmp_path: Path) -> None:
    """A missing file, another layout, another file altogether, a map without a time, and our own data are refused in words."""
    write(log, row(1))
    data = tmp_path / "data"
    data.mkdir()
    (data / "secret_key").write_text("1|2|3|4|5")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cdr_file": "/nowhere/at/all.csv"}, "cannot be read"),
        ({"cdr_file": str(tmp_path)}, "cannot be read"),
        ({"cdr_file": str(log), "cdr_format": "master"}, "14 columns"),
        ({"queue_log_file": str(log)}, "queue_log"),
        ({"cdr_file": str(log), "cdr_format": "columns", "columns": "id=1"}, "needs at least"),
        ({"cdr_file": str(log), "cdr_format": "columns", "columns": "start=When,from=Who", "csv_header": True}, "When, Who|Who, When"),
        ({"queue_log_file": str(data / "secret_key")}, "data folder"),
    ]
    for options, words in wrong:
        with pytest.raises(ChannelMisconfigured, match=words):
            await a_connector(tmp_path, **options).check()


@pytest.mark.parametrize(
    "options", [{"timezone": "Mars/Base"}, {"timezone": "../etc"}, {"csv_delimiter": "ab"}, {"columns": "nonsense=1"}, {"agents": "101"},
                {"cdr_format": "other"}, {"unknown": "1"}, {"default_region": "XX"}, {"callback_hours": 0}]
)  # fmt: skip
def test_settings_that_cannot_be(options: dict[str, Any]) -> None:
    """Wrong settings are refused when they are entered."""
    with pytest.raises(ValueError, match=r"\w"):
        TelephonyOptions.model_validate(options)


async def test_an_account_without_files_is_content(inbox: MemoryInbox) -> None:
    """With only a webhook there is nothing to follow."""
    await asyncio.wait_for(a_connector(inbox.folder.parent).run(inbox), 5)


def test_nothing_of_the_settings_is_in_an_item_but_what_it_needs() -> None:
    """Of a hundred agents only those whom a line names travel with it."""
    from contact_center.channels.telephony.sources import sources

    agents = "\n".join(f"PJSIP/{number}=Agent {number}" for number in range(100, 200))
    (source,) = sources(TelephonyOptions(cdr_file="/var/log/x.csv", cdr_format="custom", agents=agents, webhook_secret="s"))
    item: RawItem = source.item(row(1).replace(b'""', b'"PJSIP/101-0000001a"'), 0.0)
    assert "PJSIP/101" in item.envelope["agents"]
    assert len(item.envelope["agents"]) < 5
    assert "webhook_secret" not in item.envelope
