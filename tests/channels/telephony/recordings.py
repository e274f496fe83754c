"""Recordings of a real PBX, which lie beside the project, and what happened in each of them, written down by hand.

They are only examples: `another_pbx` gives the same calls as another PBX would have logged them, with other ids, times
and numbers, so that nothing can be fitted to these.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from contact_center.channels.telephony.parse import combine, parse
from contact_center.model.messages import InboundMessage

FOLDER = Path(__file__).parents[4] / "shared" / "telephony" / "recordings"
CUSTOMER = "+79161112233"
LINE = "+74951234567"
AGENTS = {"PJSIP/101": "Agent One", "PJSIP/102": "Agent Two", "PJSIP/103": "Expert"}
ONE, TWO, EXPERT = AGENTS.values()
Line = tuple[str, bytes]
"""The source and the bytes of a line."""


@dataclass(frozen=True)
class Expected:
    """What happened, and in brackets what only some of the logs can know."""

    result: str
    agents: tuple[str, ...] = ()
    direction: str = "in"
    customer: str = CUSTOMER
    demand: str = "served"
    our_number: str | None = LINE
    transfers: tuple[tuple[str, str, str | None], ...] = ()
    wait: int | None = None
    talk: int | None = None
    queue: str | None = "support"
    in_queue_log: dict[str, Any] = field(default_factory=dict)
    """What queue_log alone knows otherwise: it does not tell what came after a transfer."""


EXPECTED = {
    "01_queue_answered_caller_hangs_up": Expected("answered", (ONE,), wait=1, talk=3),
    "03_queue_abandoned": Expected("abandoned", demand="callback", wait=7),
    "04_queue_rna_then_second_agent": Expected("answered", (TWO,), wait=6, talk=2),
    # A blind transfer rewrites the number that was dialled, so that our own is lost.
    "05_queue_blind_transfer_REFER": Expected(
        "answered", (ONE, EXPERT), transfers=(("blind", ONE, EXPERT),), our_number=None, wait=1, talk=5,
        in_queue_log={"agents": (ONE,), "talk": 2},
    ),
    "06_queue_attended_transfer_REFER_Replaces": Expected(
        "answered", (ONE, EXPERT), transfers=(("attended", ONE, EXPERT),), wait=1, talk=8,
        in_queue_log={"agents": (ONE,), "talk": 6, "transfers": (("attended", ONE, None),)},
    ),
    "07_outbound_answered": Expected("answered", (ONE,), "out", "+79161234567", queue=None, wait=1, talk=2),
    "09_click_to_call_Originate": Expected("answered", (ONE,), "out", "+79161234567", queue=None, wait=1, talk=3),
    "11_queue_with_Local_members_ringall": Expected("answered", (TWO,), our_number="+74951234568", queue="localq", wait=1, talk=2),
    "13_queue_answered_hold_unhold": Expected("answered", (ONE,), wait=1, talk=5),
    "16_queue_exit_with_timeout": Expected("timeout", demand="callback", wait=25),
    "19_midcall_snapshot_CoreShowChannels_QueueStatus": Expected("answered", (ONE,), wait=1, talk=2),
    "25_inbound_busy_before_answer": Expected("busy", demand="callback", our_number="+74951234570", queue=None, wait=0),
}  # fmt: skip
NAMES = sorted(EXPECTED)
KILLED = "21_kill9_midcall"


def lines(name: str, *sources: str) -> list[Line]:
    """Lines of a recording: of `custom`, `master` and `queue_log`, as far as they are there."""
    if not FOLDER.is_dir():
        pytest.skip(f"the recordings are not at {FOLDER}")
    files = {"custom": "cdr_custom.csv", "master": "cdr_master.csv", "queue_log": "queue_log"}
    found = []
    for source in sources:
        path = FOLDER / name / files[source]
        found += [(source, line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return found


def envelope(source: str, agents: dict[str, str] | None = None) -> dict[str, Any]:
    return {"source": source, "trust_date": True, "agents": AGENTS if agents is None else agents}


def messages(told: Iterable[Line], agents: dict[str, str] | None = None) -> list[InboundMessage]:
    return [parse(line, envelope(source, agents)) for source, line in told]


def calls(told: Iterable[InboundMessage]) -> list[InboundMessage]:
    """What the intake makes of messages: those that share a key are one happening."""
    groups: list[tuple[set[str], list[InboundMessage]]] = []
    for message in told:
        keys, group = set(message.keys), [message]
        for other in [other for other in groups if other[0] & keys]:
            keys |= other[0]
            group = [*other[1], *group]
            groups.remove(other)
        groups.append((keys, group))
    return [combine([message.headers for message in group]) for _, group in groups]


def one(told: Iterable[InboundMessage]) -> InboundMessage:
    (call,) = calls(told)
    return call


def expected(name: str, *sources: str) -> Expected:
    """What these logs alone can know of a recording."""
    case = EXPECTED[name]
    if "queue_log" not in sources:
        # A call record of a queue cannot tell when the agent stopped ringing, and only Master.csv names the queue.
        return replace(case, queue=case.queue if "master" in sources else None)
    return case if len(sources) > 1 else replace(case, our_number=None, **case.in_queue_log)


def outcome(call: InboundMessage) -> tuple[Any, ...]:
    facts = call.facts
    assert facts is not None
    assert call.sender is not None
    transfers = tuple((transfer["kind"], transfer["from"], transfer["to"]) for transfer in facts["transfers"])
    return (
        facts["result"], facts["direction"], call.sender.value, call.demand.value, tuple(facts["agents"]), transfers,
        facts["our_number"], facts["queue"],
    )  # fmt: skip


def of(case: Expected) -> tuple[Any, ...]:
    return (
        case.result, case.direction, case.customer, case.demand, case.agents, case.transfers, case.our_number, case.queue,
    )  # fmt: skip


def another_pbx(told: list[Line], seed: int) -> tuple[list[Line], dict[str, str]]:
    """The same lines with another name of the PBX, other times, channel numbers and telephone numbers; and what became what."""
    chance = random.Random(seed)
    shift = chance.randrange(-400, 400) * 86400 + chance.randrange(86400)
    counter, channels = chance.randrange(1000, 9000), chance.randrange(0x1000, 0xFFFF)
    numbers = {
        "9161112233": f"9{chance.randrange(10**8, 10**9)}",
        "9161234567": f"9{chance.randrange(10**8, 10**9)}",
        **{f"495123456{n}": f"812{chance.randrange(10**5, 10**6)}{n}" for n in (7, 8)},
        "4951234570": f"812{chance.randrange(10**6, 10**7)}",
    }
    changed = []
    for source, line in told:
        text = line.decode()
        text = re.sub(r"lab-(\d{10})\.(\d+)", lambda m: f"site7-{int(m[1]) + shift}.{int(m[2]) + counter}", text)
        text = re.sub(r"(?<![\d-])(1795\d{6})(?=[.|])", lambda m: str(int(m[1]) + shift), text)
        text = re.sub(r"2026-11-21 (\d\d):(\d\d):(\d\d)", lambda m: _moved(m, shift), text)
        text = re.sub(r"-(0000[0-9a-f]{4})\b", lambda m: f"-{int(m[1], 16) + channels:08x}", text)
        text = text.replace("crm-call-0001", f"click-{seed}")
        for old, new in numbers.items():
            text = text.replace(old, new)
        changed.append((source, text.encode()))
    return changed, {f"+7{old}": f"+7{new}" for old, new in numbers.items()}


def _moved(match: "re.Match[str]", shift: int) -> str:
    from datetime import UTC, datetime, timedelta

    at = datetime(2026, 11, 21, *(int(part) for part in match.groups()), tzinfo=UTC) + timedelta(seconds=shift)
    return f"{at:%Y-%m-%d %H:%M:%S}"
