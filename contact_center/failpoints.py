"""Places where a test may make this process die, fail, wait or stop: how promises about crashes are proven.

`CC_FAILPOINTS="intake.accepted=kill@3;send.before=sleep:2"` kills the process when it comes to the third pass
of that place, and makes it wait two seconds at the other. Without the variable a place costs a look into an empty dict.
"""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass

VARIABLE = "CC_FAILPOINTS"

POINTS: dict[str, str] = {
    "channel.fetched": "A connector has read items at the source; nothing is stored.",
    "intake.accepting": "Raw items and the cursor are written; the commit is still to come.",
    "intake.accepted": "Raw items and the cursor are committed; the source is not told yet.",
    "intake.parsed": "Items are understood; the second commit has not begun.",
    "intake.settling": "Tickets and entries are written; the commit is still to come.",
    "intake.settled": "Items have their fates, committed; nobody was told.",
    "reply.queued": "A reply and its outbox row are written; the commit is still to come.",
    "send.leased": "A message is leased; nothing has left.",
    "send.before": "The connector is about to be asked to send.",
    "send.after": "The other side has taken the message; nothing is written down.",
    "send.recorded": "The outcome of a send is committed.",
    "journal.read": "News were read from the journal; no console has them yet.",
    "index.written": "Search documents are written; the commit is still to come.",
    "rule.fired": "A rule has acted and said so; the commit is still to come.",
    "migrate.step": "A migration has run; its commit is still to come.",
}
"""Every place, and what is true when it is passed."""


class Failed(OSError):
    """What a place raises that was told to fail."""


@dataclass(slots=True)
class _Order:
    action: str
    seconds: float
    at: int
    """On which pass; 0: on every one."""


def _read(text: str) -> dict[str, _Order]:
    orders = {}
    for part in filter(None, text.split(";")):
        name, _, what = part.partition("=")
        what, _, at = what.partition("@")
        action, _, seconds = what.partition(":")
        if name not in POINTS or action not in ("kill", "fail", "sleep", "stop"):
            raise ValueError(f"{VARIABLE}: {part}")
        orders[name] = _Order(action, float(seconds or 0), int(at or 1) if at != "*" else 0)
    return orders


_orders = _read(os.environ.get(VARIABLE, ""))
_passes: Counter[str] = Counter()


def reach(name: str) -> None:
    """This place is passed. Does nothing unless the process was started with an order for it.

    Raises Failed where the order is to fail.
    """
    if not _orders:
        return
    order = _orders.get(name)
    if order is None:
        return
    _passes[name] += 1
    if order.at not in (0, _passes[name]):
        return
    if order.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order.action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif order.action == "sleep":
        time.sleep(order.seconds)  # the whole process is to stand still, as it would when the machine does
    else:
        raise Failed(f"the place {name} was told to fail")
