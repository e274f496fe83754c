"""Calls of a real PBX: each is one call with the outcome that it really had, whatever log tells of it and in whatever order."""

import random
from dataclasses import replace

import orjson
import pytest

from contact_center.channels.telephony.parse import combine
from contact_center.model.words import Demand
from tests.channels.telephony.recordings import KILLED, NAMES, another_pbx, calls, expected, lines, messages, of, one, outcome

SOURCES = [("custom",), ("master",), ("queue_log",), ("custom", "queue_log"), ("master", "queue_log"), ("custom", "master", "queue_log")]
cases = pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:2])
logs = pytest.mark.parametrize("sources", SOURCES, ids="+".join)


@cases
@logs
def test_a_recorded_call(name: str, sources: tuple[str, ...]) -> None:
    """One call with its result, direction, customer, agents and transfers, from each log alone and from several."""
    told = lines(name, *sources)
    if not told:
        pytest.skip("this call is not in this log")
    known = sources if any(source == "queue_log" for source, _ in told) else tuple(s for s in sources if s != "queue_log")
    assert outcome(one(messages(told))) == of(expected(name, *known))


@cases
def test_times_of_a_recorded_call(name: str) -> None:
    """Waiting and talking are to the second what queue_log says; call records alone err by the time of ringing."""
    case = expected(name, "master", "queue_log")
    exact, rough = (one(messages(lines(name, *sources))).facts for sources in (("master", "queue_log"), ("custom",)))
    assert exact is not None
    assert rough is not None
    assert (exact["wait_seconds"], exact["talk_seconds"]) == (case.wait, case.talk)
    assert abs(rough["wait_seconds"] - (case.wait or 0)) <= 1
    assert case.talk is None or abs(rough["talk_seconds"] - case.talk) <= 2


@pytest.mark.parametrize(("name", "talks"), [("05", [("Agent One", 2), ("Expert", 3)]), ("06", [("Agent One", 6), ("Expert", 2)])])
def test_each_has_their_own_part_of_the_talk(name: str, talks: list[tuple[str, int]]) -> None:
    """Of a call that is handed on, blind or after asking, each colleague has from when they picked up until the next one did."""
    recording = next(each for each in NAMES if each.startswith(name))
    facts = one(messages(lines(recording, "master", "queue_log"))).facts
    assert facts is not None
    assert [(talk["agent"], talk["seconds"]) for talk in facts["talks"]] == talks
    assert facts["talk_seconds"] == sum(seconds for _, seconds in talks)


@cases
@logs
def test_order_and_doubles_change_nothing(name: str, sources: tuple[str, ...]) -> None:
    """Shuffled, and with every line twice, the call is the very same, to the last field."""
    told = messages(lines(name, *sources))
    if not told:
        pytest.skip("this call is not in this log")
    as_told = one(told)
    for seed in range(20):
        shuffled = told * (1 + seed % 2)
        random.Random(seed).shuffle(shuffled)
        assert replace(one(shuffled), keys=()) == replace(as_told, keys=())
        assert set(one(shuffled).keys) == set(as_told.keys)


@cases
def test_every_order_of_combining_is_the_same(name: str) -> None:
    """It does not matter in which steps the parts are combined, nor that they were kept as JSON in between."""
    told = [message.headers for message in messages(lines(name, "master", "queue_log"))]
    whole = combine(told)
    for seed in range(10):
        parts = list(told)
        random.Random(seed).shuffle(parts)
        step = parts[0]
        for part in parts[1:]:
            step = orjson.loads(orjson.dumps(combine([part, step]).headers))
        assert combine([step]) == whole


@cases
@logs
@pytest.mark.parametrize("seed", range(3))
def test_another_pbx(name: str, sources: tuple[str, ...], seed: int) -> None:
    """With other ids, times, channels and numbers the outcome is the same."""
    told = lines(name, *sources)
    if not told:
        pytest.skip("this call is not in this log")
    known = sources if any(source == "queue_log" for source, _ in told) else tuple(s for s in sources if s != "queue_log")
    case = expected(name, *known)
    changed, numbers = another_pbx(told, seed)
    assert {line for _, line in changed}.isdisjoint({line for _, line in told})
    wanted = replace(case, customer=numbers[case.customer], our_number=numbers.get(case.our_number or ""))
    assert outcome(one(messages(changed))) == of(wanted)


def test_all_recordings_at_once() -> None:
    """Every call of the whole run stays apart from the others, although channels and agents are the same."""
    told = [line for name in NAMES for line in lines(name, "custom", "master", "queue_log")]
    random.Random(1).shuffle(told)
    found = calls(messages(told))
    assert len(found) == len(NAMES)
    wanted = [of(expected(name, *_known(name))) for name in NAMES]
    assert sorted(map(str, map(outcome, found))) == sorted(map(str, wanted))


def _known(name: str) -> tuple[str, ...]:
    return ("custom", "master", "queue_log") if lines(name, "queue_log") else ("custom", "master")


@cases
def test_without_names_in_the_settings(name: str) -> None:
    """Without any settings an agent is named once: as queue_log does, else by the extension."""
    case = expected(name, *_known(name))
    facts = one(messages(lines(name, *_known(name)), agents={})).facts
    assert facts is not None
    assert len(facts["agents"]) == len(case.agents)
    assert len(facts["transfers"]) == len(case.transfers)
    assert facts["result"] == case.result


@cases
def test_parts_of_a_call(name: str) -> None:
    """Whatever part of the lines is there, an answered call is never more than answered, and nothing fails."""
    told = messages(lines(name, "custom", "master", "queue_log"))
    for seed in range(30):
        part = random.Random(seed).sample(told, 1 + seed % len(told))
        for call in calls(part):
            assert call.facts is not None
            assert call.facts["result"] in (
                "answered",
                "abandoned",
                "timeout",
                "missed",
                "busy",
                "ringing",
                expected(name, "custom").result,
            )
            assert call.demand is not Demand.ANSWER


def test_a_pbx_that_dies() -> None:
    """Of the calls around a kill -9: two were answered, one of them handed on, one was given up, one was cut off."""
    told = messages(line for line in lines(KILLED, "queue_log") if b"QUEUESTART" not in line[1])
    cut = messages([("queue_log", b"1795296411|lab-1795296403.198|NONE|NONE|QUEUESTART|")])
    found = sorted((outcome(call) for call in calls([*told, *cut])), key=str)
    assert [(result, demand, agents) for result, _, _, demand, agents, *_ in found] == [
        ("abandoned", "callback", ()),
        ("answered", "served", ("Agent One",)),
        ("answered", "served", ("Agent One",)),
        ("pbx_restart", "served", ("Agent One",)),
    ]
