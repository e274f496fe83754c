"""What became of a call, from all that is known of it. Pure, and independent of the order in which it became known.

Rows of a log are not calls and `ANSWERED` is not an agent: a queue answers the caller by itself, unanswered attempts are
billed, transfers rewrite the number that was dialled. Only a leg to somebody's phone that was really answered counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from contact_center.channels.telephony.numbers import is_local, iso, moment
from contact_center.channels.telephony.records import ENDINGS, Record, arrange
from contact_center.channels.telephony.talks import Move, held
from contact_center.model.messages import InboundMessage, InboundPerson
from contact_center.model.words import Demand, Direction, PointKind

KIND = "telephony"
SHORT_SECONDS = 5.0  # an abandon within this is a short one, which no rate counts
TRANSFER_GAP = 2.0  # seconds between the end of one agent's leg and the beginning of the next
LINKS = 5  # links of the dial plan in a row, at most
UNKNOWN_CALLER = InboundPerson(PointKind.ANONYMOUS, "caller")
COLLEAGUES = InboundPerson(PointKind.ANONYMOUS, "colleagues")


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of the call with one agent, who answered."""

    agent: str
    named: bool
    source: str
    answer: float
    """To the second in queue_log; in a call record of a queue the moment at which the agent began to ring."""
    end: float


def describe(records: Sequence[Record]) -> InboundMessage:
    """One call from all that was said of it: any order, doubles allowed, parts may be missing."""
    call = Call(arrange(records))
    return InboundMessage(
        kind=KIND,
        sender=call.outside_party(),
        participants=(),
        subject="",  # no sentence: whoever shows the facts puts them into words of the reader's language
        text="",
        visible_text="",
        html=None,
        sent_at=moment(call.started) if call.started else None,
        message_key=None,
        direction=Direction(call.direction),
        demand=call.demand(),
        keys=tuple(dict.fromkeys(key for record in call.records for key in record.keys)),
        facts=call.facts(),
        headers={"records": [record.pack() for record in call.records]},
    )


class Call:
    """A call, looked at through its records (each once, by time)."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self.direction = _direction(records)
        self.of_customer = [record for record in records if _concerns_customer(record, self.direction)]
        self.number = next((record.number for record in self.of_customer if record.number), "")
        phones = {record.channel: record for record in records if record.source == "cdr" and is_local(record.channel)}
        self.cdr = [_behind_links(record, phones) for record in self.of_customer if record.source == "cdr"]
        self.legs = self._legs()
        self.is_answered = bool(self.legs)
        told = self.of_customer or list(records)
        self.started = min((record.at for record in told if record.at), default=0.0)
        self.ended = self._ended()

    def result(self) -> str:
        """The network's word for how it came out; `ringing` as long as nothing says that it is over."""
        whats = [record.what for record in self.of_customer]
        if "restart" in whats and not self.cdr and not any(what in (*ENDINGS, "ended", "transferred") for what in whats):
            return "pbx_restart"
        if self.is_answered:
            return "answered"
        told = [record.what for record in self.of_customer if record.source != "cdr" and record.what in ENDINGS]
        if told:
            return told[-1]
        return self._result_of_cdr() if self.cdr else "missed" if "ended" in whats else "ringing"

    def demand(self) -> Demand:
        """Whether somebody is to be called, or need not be any more."""
        if self.direction == "internal":
            return Demand.NOTHING
        if self.is_answered:
            return Demand.SERVED
        is_over = self.result() != "ringing"
        # Nobody can call a withheld number, and nobody wants to hear from us because of a call of last year.
        can_be_called = self.number.startswith("+") and not all(record.old for record in self.records)
        return Demand.CALLBACK if self.direction == "in" and is_over and can_be_called else Demand.NOTHING

    def outside_party(self) -> InboundPerson:
        """The customer's number; a technical contact where there is none that could be called."""
        if self.direction == "internal":
            return COLLEAGUES
        if self.number.startswith("+"):
            return InboundPerson(PointKind.PHONE, self.number)
        return InboundPerson(PointKind.ANONYMOUS, f"number {self.number}", self.number) if self.number else UNKNOWN_CALLER

    def facts(self) -> dict[str, Any]:
        """What the entry's card shows."""
        result, wait, talk = self.result(), self._wait(), self._talk()
        return {
            "type": "call",
            "result": result,
            "direction": self.direction,
            "number": self.number,
            "wait_seconds": _whole(wait),
            "talk_seconds": _whole(talk),
            "hold_seconds": _whole(self._hold(talk)),
            "agents": self.agents(),
            "transfers": self.transfers(),
            "talks": self.talks(),
            "queue": next((record.queue for record in self.records if record.queue), None),
            "our_number": next((record.ours for record in self.of_customer if record.ours), None),
            "started_at": iso(self.started),
            "ended_at": iso(self.ended),
            "legs": self._attempts(),
            "short": result == "abandoned" and wait is not None and wait <= SHORT_SECONDS,
        }

    def agents(self) -> list[str]:
        """Who took part, in the order of answering: those who talked, and who called."""
        callers = [record.caller for record in self.of_customer if record.caller]
        talked = [leg.agent for leg in self.legs]
        if self.direction == "internal":
            talked += [record.agent for record in self.records]
        return list(dict.fromkeys(name for name in [*callers, *talked] if name))

    def talks(self) -> list[dict[str, Any]]:
        """Who talked to the customer, one after the other: since when, and for how many seconds (None: still).

        A colleague who is the only one has all the talk of the call. Of several each has from when they picked up until they handed the
        caller on or another picked up; what the caller waited in between is nobody's.
        """
        if not self.is_answered or self.direction == "internal":
            return []
        began, talk = self._answered_at(), self._talk()
        over = None if talk is None else began + talk
        moves = self._moves(began)
        named = {move.agent for move in moves}
        if len(named) == 1 and not self.transfers():
            moves = [Move(began, True, agent) for agent in named]
        elif over is not None:
            over = max(over, self.ended)  # what is told of the talk may leave out what lay between two
        return [_stretch(agent, began, start, end) for agent, start, end in held(moves, began, over)]

    def _moves(self, began: float) -> list[Move]:
        """When agents took the caller and let go of them, by time."""
        names = self._aliases()

        def of(name: str) -> str:
            return names.get(name, name)

        found = self._moves_of_legs(of)
        handed_on = sorted((record for record in self.of_customer if record.what == "transferred"), key=lambda record: record.at)
        for record in handed_on:
            giver, target = of(record.agent), of(record.target)
            if giver and not any(move.takes and move.agent == giver and move.at <= record.at for move in found):
                found.append(Move(began, True, giver))
            if giver:
                found.append(Move(record.at, False, giver))
            if target and record.how == "attended":
                found.append(Move(record.at, True, target))
        last, giver = (handed_on[-1].at, of(handed_on[-1].agent)) if handed_on else (began, "")
        for record in self.of_customer:
            if record.source == "event" and record.what == "ended" and record.agent and of(record.agent) != giver:
                # Who hung up had the caller, at the latest since they were handed on.
                who = of(record.agent)
                if not any(move.takes and (move.agent == who or not handed_on) for move in found):
                    found.append(Move(last, True, who))
        return sorted(found)

    def _moves_of_legs(self, of: Callable[[str], str]) -> list[Move]:
        exact = [(of(leg.agent), leg.answer) for leg in self._answered() if leg.source != "cdr"]
        found = []
        for record in [*self.cdr, *(record for record in self.of_customer if record.source != "cdr")]:
            leg = _answered_leg(record)
            if leg is None or not leg.agent or (record.source == "event" and record.what in ("ended", "transferred")):
                continue  # a webhook that tells of a hang-up or a transfer does not say since when this agent had the caller
            who = of(leg.agent)
            # The row of a queue begins when the telephone began to ring: where another log says when it was picked up, that counts.
            if leg.source != "cdr" or not any(agent == who and leg.answer < at <= leg.end for agent, at in exact):
                found.append(Move(leg.answer, True, who))
            if leg.end > leg.answer:
                found.append(Move(leg.end, False, who))
        return found

    def transfers(self) -> list[dict[str, Any]]:
        """Who handed the caller on, to whom, blind or after asking."""
        names = self._aliases()
        found = self._transfers_of_cdr()
        for record in self.of_customer:
            if record.what != "transferred":
                continue
            giver = names.get(record.agent, record.agent)
            known = next((transfer for transfer in found if transfer["from"] == giver), None)
            if known is not None:
                known["kind"] = record.how
            else:
                found.append({"kind": record.how, "from": giver or None, "to": names.get(record.target, record.target) or None})
        return found

    def _legs(self) -> list[Leg]:
        """All answered legs by time, each agent under one name whatever the source calls them."""
        names = self._aliases()
        return [replace(leg, agent=names.get(leg.agent, leg.agent)) for leg in self._answered()]

    def _answered(self) -> list[Leg]:
        told = [*self.cdr, *(record for record in self.of_customer if record.source != "cdr")]
        found = [leg for record in told if (leg := _answered_leg(record)) is not None]
        return sorted(found, key=lambda leg: (leg.answer, leg.end, leg.agent))

    def _aliases(self) -> dict[str, str]:
        """queue_log has names of members where a call record has extensions: who answered at the same time is the same."""
        legs = self._answered()
        rows = [leg for leg in legs if leg.source == "cdr"]
        names: dict[str, str] = {}
        for leg in (leg for leg in legs if leg.source == "queue" and leg.agent):
            # queue_log cuts fractions of seconds off.
            same = {(row.agent, row.named) for row in rows if row.answer <= leg.answer + 1 and row.end >= leg.answer}
            if len(same) == 1:
                ((other, other_named),) = same
                names |= {leg.agent: other} if other_named and not leg.named else {other: leg.agent}
        return {old: new for old, new in names.items() if old != new}

    def _transfers_of_cdr(self) -> list[dict[str, Any]]:
        legs = [leg for leg in self.legs if leg.source == "cdr"]
        names = self._aliases()
        finished = {names.get(r.agent, r.agent) for r in self.of_customer if r.source == "queue" and r.what == "ended"}
        found = []
        for giver, taker in pairwise(legs):
            follows = -1.0 <= taker.answer - giver.end <= TRANSFER_GAP
            if follows and giver.agent != taker.agent and giver.agent not in finished:
                kind = "attended" if self._asked_before(names, giver.agent, taker.agent) else "blind"
                found.append({"kind": kind, "from": giver.agent, "to": taker.agent})
        return found

    def _asked_before(self, names: dict[str, str], giver: str, taker: str) -> bool:
        talks = [record for record in self.records if record.source == "cdr" and record.direction == "internal"]
        return any({names.get(name, name) for name in (record.caller, record.agent)} == {giver, taker} for record in talks)

    def _result_of_cdr(self) -> str:
        """How an unanswered call ended, where no other log says it."""
        if self.direction != "in":
            return self._disposition("no_answer")
        last = self.cdr[-1]
        if any(record.app == "queue" for record in self.cdr):
            # A queue that gave up lets the dial plan go on; a caller who gave up is never seen outside the queue.
            return "abandoned" if last.app == "queue" else "timeout"
        return "voicemail" if last.app in ("voicemail", "minivmrecord") else self._disposition("missed")

    def _disposition(self, unanswered: str) -> str:
        whats = {record.what for record in self.cdr}
        if whats & {"no_answer", "answered"}:
            return unanswered
        return "busy" if "busy" in whats else "failed"

    def _ended(self) -> float:
        """When the customer's last leg was over; 0.0 while nothing says so."""
        if self.cdr:
            return max(record.end for record in self.cdr)
        over = [record for record in self.of_customer if record.what in (*ENDINGS, "ended", "transferred", "restart") or record.end]
        last = max((record.end or record.at for record in over if record.end or record.source == "queue"), default=0.0)
        # Where somebody picked up after all that is known to be over, it goes on.
        return last if last + 1 >= max((leg.answer for leg in self.legs), default=0.0) else 0.0

    def _answered_at(self) -> float:
        """When the first agent answered."""
        return _picked_up(self.legs) if self.legs else 0.0

    def _wait(self) -> float | None:
        """Seconds until an agent answered, or until the caller was gone."""
        wanted = ("answered", "ended", "transferred") if self.is_answered else ENDINGS
        told = [record.wait for record in self.of_customer if record.wait is not None and record.what in wanted]
        if told:
            return told[0]
        until = self._answered_at() if self.is_answered else self.ended
        return max(0.0, until - self.started) if until else None

    def _talk(self) -> float | None:
        """Seconds from the first answer to the end; None for a call that nobody answered or that is not over."""
        if not self.is_answered:
            return None
        told = [record.talk for record in self.of_customer if record.talk is not None and record.source in ("event", "row")]
        if told:
            return max(told)
        of_queue = [record.talk for record in self.of_customer if record.talk is not None and record.what == "ended"]
        if of_queue and not self.transfers():  # of a call that went on, queue_log does not tell the rest
            return sum(of_queue)
        return max(0.0, self.ended - self._answered_at()) if self.ended else None

    def _hold(self, talk: float | None) -> float | None:
        """Seconds of the talk in which the caller was on hold; None where no source says it."""
        told = [record.hold for record in self.of_customer if record.hold is not None]
        return min(max(told), talk) if told and talk is not None else None

    def _attempts(self) -> int:
        """How many phones were tried."""
        # In a ring-all through links a phone stands behind two rows.
        dialled = {record.leg for record in self.cdr if record.leg}
        return len(dialled) or sum(record.what in ("offered", "answered") for record in self.of_customer)


def _direction(records: Sequence[Record]) -> str:
    """The direction of the earliest leg that has a customer in it: a colleague asked in between changes nothing."""
    known = [record.direction for record in records if record.direction]
    return next((direction for direction in known if direction != "internal"), "internal" if known else "in")


def _concerns_customer(record: Record, direction: str) -> bool:
    """Whether a record is of the customer's own line, not of a colleague or a third party who was asked meanwhile."""
    if direction == "in":
        return record.direction in ("in", "") or record.source in ("event", "row")
    return direction == "internal" or record.direction != "internal"


def _behind_links(row: Record, phones: dict[str, Record]) -> Record:
    """A row that dialled a mere link, with the phone behind it: who that is, and when it was really picked up."""
    found = row
    for _ in range(LINKS):
        phone = phones.get(_other_half(found.leg)) if is_local(found.leg) else None
        if phone is None or phone.leg == found.leg:
            break
        # A colleague who was asked first had picked up before the caller was handed over.
        answer = max(row.at, phone.answer) if phone.answer else 0.0
        found = replace(row, leg=phone.leg, agent=phone.agent, named=phone.named, app=phone.app, answer=answer)
    return found


def _picked_up(run: Sequence[Leg]) -> float:
    """When an agent answered: by the exact sources, else by the call records."""
    return min([leg.answer for leg in run if leg.source != "cdr"] or [leg.answer for leg in run])


def _stretch(agent: str, began: float, start: float, end: float | None) -> dict[str, Any]:
    # Counted from the beginning of the talk, so that the whole seconds of all are those of the call.
    return {"agent": agent, "began_at": iso(start), "seconds": None if end is None else round(end - began) - round(start - began)}


def _other_half(link: str) -> str:
    return f"{link[:-1]}{'2' if link.endswith('1') else '1'}"


def _answered_leg(record: Record) -> Leg | None:
    """The leg that this record proves to have been answered by a person."""
    if record.source == "cdr":
        if record.what != "answered" or not record.leg:
            return None
        answer = record.at if record.app == "queue" else record.answer or record.at
        return Leg(record.caller or record.agent, record.named, "cdr", answer, record.end)
    if record.source == "queue":
        if record.what not in ("answered", "ended", "transferred"):
            return None
        return Leg(record.agent, record.named, "queue", record.at - (record.talk or 0.0), record.at)
    return Leg(record.agent, record.named, record.source, record.answer, record.end) if record.answer or record.what == "answered" else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
