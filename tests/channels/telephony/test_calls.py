"""Calls that the recordings do not have: what a PBX logs of them, and what became of the caller."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_center.channels.telephony.calls import describe
from contact_center.channels.telephony.lines import CUSTOM
from contact_center.channels.telephony.numbers import amount, interface, number_of, seconds
from contact_center.channels.telephony.parse import combine, parse
from contact_center.channels.telephony.records import Record
from contact_center.channels.telephony.talks import Move, held
from contact_center.errors import QuarantineItem
from contact_center.model.messages import InboundMessage
from tests.channels.telephony.recordings import AGENTS, calls

T = 1795296000.0
BASE = {
    "linkedid": "lab-1.1", "uniqueid": "lab-1.1", "src": "+79161112233", "dst": "74951234567", "channel": "PJSIP/trunk-00000001",
    "dstchannel": "PJSIP/101-00000002", "lastapp": "Dial", "disposition": "ANSWERED",
}  # fmt: skip


def leg(start: float = 0, answer: float | None = 0, end: float = 10, **cells: str) -> bytes:
    """A row of the custom layout, its times in seconds of the call."""
    row = BASE | {"start": f"{T + start:.6f}", "answer": "0.000000" if answer is None else f"{T + answer:.6f}", "end": f"{T + end:.6f}"}
    row |= {
        "sequence": str(int(start * 10) + 1),
        "duration": str(int(end - start)),
        "billsec": "0" if answer is None else str(int(end - answer)),
    }
    return ",".join(f'"{(row | cells)[name]}"' for name in CUSTOM).encode()


def told(*rows: bytes, source: str = "custom", **settings_: Any) -> InboundMessage:
    (call,) = calls(parse(row, {"source": source, "agents": AGENTS} | settings_) for row in rows)
    return call


def facts(call: InboundMessage) -> dict[str, Any]:
    assert call.facts is not None
    return call.facts


def seen(call: InboundMessage) -> tuple[Any, ...]:
    return facts(call)["result"], call.direction, call.demand, facts(call)["agents"]


def test_a_ring_group_without_a_queue() -> None:
    """Of several phones that ring at once, who picks up has answered."""
    rows = leg(end=4, disposition="NO ANSWER", answer=None), leg(answer=4, dstchannel="PJSIP/102-00000003")
    assert seen(told(*rows)) == ("answered", "in", "served", ["Agent Two"])
    assert (facts(told(*rows))["wait_seconds"], facts(told(*rows))["talk_seconds"], facts(told(*rows))["legs"]) == (4, 6, 2)
    assert seen(told(rows[0])) == ("missed", "in", "callback", [])


@pytest.mark.parametrize(
    ("cells", "result"),
    [
        ({"disposition": "BUSY"}, "busy"), ({"disposition": "FAILED"}, "failed"), ({"disposition": "CONGESTION"}, "failed"),
        ({"disposition": "NO ANSWER"}, "missed"), ({"dstchannel": "", "lastapp": "VoiceMail"}, "voicemail"),
        ({"dstchannel": "", "lastapp": "Playback"}, "missed"), ({"dstchannel": "", "lastapp": "Hangup"}, "missed"),
        ({"disposition": "NO ANSWER", "lastapp": "Queue"}, "abandoned"), ({"dstchannel": "", "lastapp": "Queue"}, "abandoned"),
    ],
)  # fmt: skip
def test_calls_that_nobody_answered(cells: dict[str, str], result: str) -> None:
    """A machine that picks up is nobody: all of these ask for a call."""
    assert seen(told(leg(**cells))) == (result, "in", "callback", [])


@pytest.mark.parametrize("disposition", ["NO ANSWER", "BUSY", "FAILED"])
def test_our_calls_in_vain(disposition: str) -> None:
    """An outbound call that nobody took up is in the history and asks for nothing."""
    call = told(
        leg(
            answer=None,
            disposition=disposition,
            src="101",
            dst="89161112233",
            channel="PJSIP/101-0000000a",
            dstchannel="PJSIP/trunk-0000000b",
        )
    )
    assert facts(call)["result"] == {"NO ANSWER": "no_answer", "BUSY": "busy", "FAILED": "failed"}[disposition]
    assert (call.direction, call.demand, call.sender and call.sender.value) == ("out", "nothing", "+79161112233")
    assert (facts(call)["number"], call.subject, call.text) == ("+79161112233", "", "")  # facts only: the reader has the words


def test_a_call_sent_on_to_a_mobile_phone() -> None:
    """Somebody who picks up outside has answered as well."""
    assert seen(told(leg(answer=5, dstchannel="PJSIP/trunk-00000009")))[:3] == ("answered", "in", "served")


def test_phones_named_by_people() -> None:
    """An endpoint with a name is answered like one with a number."""
    assert seen(told(leg(dstchannel="SIP/ivanov-00000009"))) == ("answered", "in", "served", ["ivanov"])


def test_a_handover_by_keys() -> None:
    """The agent asks a colleague through a link of the dial plan and hands the caller over: one call, two agents, attended."""
    rows = (
        leg(end=20, lastapp="Queue"),
        leg(start=12, answer=14, end=20, uniqueid="lab-1.5", src="101", dst="103", channel="Local/103@from-internal-00000004;2",
            dstchannel="PJSIP/103-00000005"),
        leg(start=12, answer=14, end=20, uniqueid="lab-1.4", src="103", dst="", channel="Local/103@from-internal-00000004;1",
            dstchannel="PJSIP/101-00000002", lastapp="AppDial2"),
        leg(start=20, answer=20, end=50, dstchannel="Local/103@from-internal-00000004;1", lastapp="Queue"),
    )  # fmt: skip
    for order in itertools.permutations(rows):
        call = told(*order)
        assert seen(call) == ("answered", "in", "served", ["Agent One", "Expert"])
        assert facts(call)["transfers"] == [{"kind": "attended", "from": "Agent One", "to": "Expert"}]
        assert (facts(call)["talk_seconds"], call.sender and call.sender.value) == (50, "+79161112233")
        assert [(talk["agent"], talk["seconds"]) for talk in facts(call)["talks"]] == [("Agent One", 20), ("Expert", 30)]


def test_three_in_a_call() -> None:
    """A colleague who joins has the caller until they leave; then it is the first one's again, who was there all the time."""
    moves = sorted([Move(5, True, "A"), Move(60, True, "B"), Move(100, False, "B"), Move(200, False, "A")])
    assert held(moves, 5, 200) == [("A", 5, 60), ("B", 60, 100), ("A", 100, 200)]
    assert held(moves[:2], 5, None) == [("A", 5, 60), ("B", 60, None)]
    assert held(moves[:3], 5, None) == [("A", 5, 60), ("B", 60, 100)], "nobody knows that the first is there still"


def test_the_second_queue_rings_before_it_is_answered() -> None:
    """Handed on into another queue: its call record begins when the telephone rings, and its log knows when it was picked up."""
    rows = [leg(start=0, end=60, lastapp="Queue"), leg(start=60, answer=60, end=180, dstchannel="PJSIP/102-00000003", lastapp="Queue")]
    log = [f"{int(T) + at}|lab-1.1|{queue}|{agent}|{what}" for at, queue, agent, what in (
        (5, "support", "Agent One", "CONNECT|5|x|1"), (60, "support", "Agent One", "BLINDTRANSFER|800|from-internal|5|55|1"),
        (60, "second", "NONE", "ENTERQUEUE||+79161112233|1"), (120, "second", "Agent Two", "CONNECT|60|y|1"),
        (180, "second", "Agent Two", "COMPLETECALLER|60|60|1"),
    )]  # fmt: skip
    parts = [parse(row, {"source": "custom", "agents": AGENTS}).headers for row in rows]
    parts += [parse(line.encode(), {"source": "queue_log", "agents": AGENTS}).headers for line in log]
    assert [(talk["agent"], talk["seconds"]) for talk in facts(combine(parts))["talks"]] == [("Agent One", 55), ("Agent Two", 60)]


def test_a_third_party_asked_outside() -> None:
    """A supplier whom the agent calls in between is not the customer, and his answer is no answer to the customer."""
    rows = (
        leg(end=40, lastapp="Queue"),
        leg(start=10, answer=15, end=30, uniqueid="lab-1.7", src="101", dst="84951112233", channel="PJSIP/101-00000007",
            dstchannel="PJSIP/trunk-00000008"),
    )  # fmt: skip
    for order in itertools.permutations(rows):
        call = told(*order)
        assert (call.sender and call.sender.value, call.direction, facts(call)["agents"]) == ("+79161112233", "in", ["Agent One"])


def test_forked_records() -> None:
    """Rows doubled by the dial plan change neither result nor agents."""
    row = leg(answer=3)
    forked = leg(answer=3, sequence="99"), leg(answer=3, sequence="100", lastapp="ForkCDR")
    assert seen(told(row, *forked)) == seen(told(row))
    assert facts(told(row, *forked))["legs"] == 1


def test_channels_of_another_day() -> None:
    """Names of channels begin anew when the PBX starts: the same name at another time ties nothing together."""
    rows = [leg(start=day * 86400, end=day * 86400 + 10, linkedid=f"lab-{day}.1", uniqueid=f"lab-{day}.1") for day in range(3)]
    assert len(calls(parse(row, {"source": "custom"}) for row in rows)) == 3
    minutes = [leg(start=n * 60, end=n * 60 + 10, linkedid=f"lab-{n}.1", uniqueid=f"lab-{n}.1") for n in range(3)]
    assert len(calls(parse(row, {"source": "custom"}) for row in minutes)) == 3


def test_old_layouts_of_master() -> None:
    """Master.csv without ids, and without linkedid and sequence, is read as far as it goes."""
    cells = ["", "+79161112233", "74951234567", "from-trunk", "", "SIP/trunk-0000000b", "SIP/101-0000000c", "Dial", "SIP/101,20",
             "2026-11-21 21:21:08", "", "2026-11-21 21:21:12", "4", "0", "NO ANSWER", "DOCUMENTATION", "1795296068.23", ""]  # fmt: skip
    for count in (16, 17, 18):
        line = ",".join(f'"{cell}"' for cell in cells[:count]).encode()
        assert seen(told(line, source="master")) == ("missed", "in", "callback", [])
        assert facts(told(line, source="master", zone="Europe/Moscow"))["started_at"] == "2026-11-21T18:21:08+00:00"


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (b"1795296068|a.1|q|NONE|EXITEMPTY|1|1|9", "missed"), (b"1795296068|a.1|q|NONE|EXITWITHKEY|0|1|1|9", "missed"),
        (b"1795296068|a.1|q|NONE|EXITWITHTIMEOUT|1|1|9", "timeout"), (b"1795296068|a.1|q|NONE|ABANDON|1|1|9", "abandoned"),
        (b"1795296068|a.1|q|NONE|WITHDRAW|1|1|9", "missed"),
    ],
)  # fmt: skip
def test_ways_out_of_a_queue(line: bytes, result: str) -> None:
    """Giving up is not being sent on: only one of them is an abandon, and all ask for a call."""
    enter = b"1795296059|a.1|q|NONE|ENTERQUEUE||+79161112233|1"
    call = told(enter, line, source="queue_log")
    assert (facts(call)["result"], facts(call)["wait_seconds"], call.demand) == (result, 9, "callback")


def test_sent_on_and_answered_elsewhere() -> None:
    """Who is sent on by the first queue and answered by the second was answered."""
    told_ = [b"1795296059|a.1|q|NONE|ENTERQUEUE||+79161112233|1", b"1795296069|a.1|q|NONE|EXITWITHTIMEOUT|1|1|10",
             b"1795296069|a.1|r|NONE|ENTERQUEUE||+79161112233|1", b"1795296074|a.1|r|Agent Two|CONNECT|5|a.9|4"]  # fmt: skip
    assert seen(told(*told_, source="queue_log")) == ("answered", "in", "served", ["Agent Two"])


@pytest.mark.parametrize(("wait", "short"), [(0, True), (5, True), (6, False)])
def test_short_abandons(wait: int, short: bool) -> None:
    """Who hangs up within five seconds is marked, so that a rate can leave them out; the person is still to be called."""
    call = told(
        f"1795296068|a.1|q|NONE|ABANDON|1|1|{wait}".encode(), b"1795296059|a.1|q|NONE|ENTERQUEUE||+79161112233|1", source="queue_log"
    )
    assert (facts(call)["short"], call.demand) == (short, "callback")


def test_members_by_their_interface() -> None:
    """A member that queue_log names by an interface is who sits there by the settings."""
    line = b"1795296074|a.1|r|Local/102@agents/n|CONNECT|5|a.9|4"
    assert facts(told(line, source="queue_log"))["agents"] == ["Agent Two"]
    assert facts(told(line, source="queue_log", agents={}))["agents"] == ["102"]


@pytest.mark.parametrize(
    "line", [b"", b"x", b'"' * 20, b",".join([b""] * 14), b",".join([b'"1e400"'] * 14), "номер,".encode() * 14, b"\x00" * 50, b"1,2\n3,4"]
)
@pytest.mark.parametrize("source", ["custom", "master", "queue_log", "columns", "event", "other", None])
def test_what_is_no_record(line: bytes, source: str | None) -> None:
    """Junk of any log is refused with a reason and nothing else."""
    with pytest.raises(QuarantineItem):
        parse(line, {"source": source, "columns": {"start": 0, "from": 1}})


@given(st.binary(max_size=300), st.sampled_from(["custom", "master", "queue_log", "columns", "event"]))
@settings(max_examples=400, deadline=None)
def test_any_bytes(line: bytes, source: str) -> None:
    """Whatever stands in a line, it is understood or refused, never a crash."""
    try:
        call = parse(line, {"source": source, "columns": {"id": 0, "start": 1, "from": 2, "to": 3}, "received": T})
    except QuarantineItem:
        return
    assert combine([call.headers]) == call


CELL = st.sampled_from(["", "0", "101", "102", "74951234567", "+79161112233", "anonymous", "PJSIP/101-00000002", "PJSIP/trunk-00000003",
                        "Local/102@agents-00000001;1", "Local/102@agents-00000001;2", "s", "*97", "<unknown>"])  # fmt: skip
ROW = st.builds(
    lambda start, length, answered, cells, what, app: leg(
        start, start if answered else None, start + length, disposition=what, lastapp=app, **dict(zip(("src", "dst", "channel", "dstchannel"), cells, strict=True))
    ),
    st.integers(0, 60), st.integers(0, 60), st.booleans(), st.tuples(CELL, CELL, CELL, CELL),
    st.sampled_from(["ANSWERED", "NO ANSWER", "BUSY", "FAILED"]), st.sampled_from(["Queue", "Dial", "AppDial", "Hangup", "VoiceMail"]),
)  # fmt: skip


@given(st.lists(ROW, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_rows_in_any_order(rows: list[bytes], chance: Any) -> None:
    """Rows as no PBX would ever write them make one call, the same in every order and doubled, with sane figures."""
    parts = [parse(row, {"source": "custom", "agents": AGENTS}).headers for row in rows]
    call = combine(parts)
    mixed = parts * 2
    chance.shuffle(mixed)
    assert combine(mixed) == call
    assert facts(call)["wait_seconds"] is None or facts(call)["wait_seconds"] >= 0
    assert (facts(call)["talk_seconds"] is not None) == (facts(call)["result"] == "answered")
    talks = facts(call)["talks"]
    assert all(earlier["began_at"] <= later["began_at"] for earlier, later in itertools.pairwise(talks))
    assert sum(talk["seconds"] for talk in talks) <= (facts(call)["talk_seconds"] or 0)
    if talks and len(facts(call)["agents"]) == 1 and not facts(call)["transfers"]:
        assert [talk["seconds"] for talk in talks] == [facts(call)["talk_seconds"]]


def test_records_survive_a_later_release() -> None:
    """Fields that this release does not know are passed over."""
    packed = Record("cdr", "answered", T, ("id:a",), leg="PJSIP/101-1", direction="in").pack()
    assert combine([{"records": [packed | {"new": 1}], "defects": []}]).facts == describe([Record.unpack(packed)]).facts


@pytest.mark.parametrize(
    ("raw", "number"),
    [("8 (916) 111-22-33", "+79161112233"), ("79161112233", "+79161112233"), ("sip:+79161112233@provider.example", "+79161112233"),
     ("<unknown>", ""), ("Anonymous", ""), ("101", "101"), ("ivan", "ivan"), (None, ""), ("+44 20 7946 0958", "+442079460958")]
)  # fmt: skip
def test_numbers(raw: str | None, number: str) -> None:
    """Numbers become E.164 where they can, withheld ones become nothing, others stay as they are."""
    assert number_of(raw, "RU") == number


def test_small_things() -> None:
    """Interfaces, durations and times in the ways they are written."""
    from zoneinfo import ZoneInfo

    assert interface("DAHDI/i1/79161112233-1a") == "DAHDI/i1/79161112233-1a"
    assert interface("SIP/voip-provider-0000001a") == "SIP/voip-provider"
    assert [amount(raw) for raw in ("1:05", "0:01:05", "65", "", "x", "-1", "nan")] == [65, 65, 65, None, None, None, None]
    assert seconds("2026-11-21 21:20:54", ZoneInfo("Europe/Moscow")) == 1795285254
    assert seconds("2026-11-21T21:20:54+03:00", ZoneInfo("UTC")) == 1795285254
