"""`contact-center simulate`: a day of arrivals through the matcher, before people have to live through it."""

import json
from dataclasses import replace
from typing import Annotated

import typer

from contact_center.model.figures import values
from contact_center.routing.simulation import Day, Outcome, run

HEADINGS = ("policy", "in target", "abandoned", "mean wait", "median", "p90", "longest", "occupancy")


def simulate(
    agents: Annotated[int, typer.Option(min=2, max=2000, help="How many agents there are.")] = 12,
    arrivals: Annotated[float, typer.Option(min=1, help="Customers in an hour, on average.")] = 200,
    hours: Annotated[float, typer.Option(min=0.1, max=1000, help="How long they come.")] = 8,
    handle: Annotated[float, typer.Option(min=1, help="Seconds that one takes, on average.")] = 180,
    target: Annotated[float, typer.Option(min=0, help="Seconds within which one should be answered.")] = 20,
    patience: Annotated[float, typer.Option(min=0, help="Seconds after which customers leave, on average; 0: never.")] = 0,
    experts: Annotated[float, typer.Option(min=0.01, max=1, help="Share of agents with a rare skill.")] = 0.3,
    hard: Annotated[float, typer.Option(min=0, max=1, help="Share of customers who need it.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a day through the matcher that decides in earnest; print waits and service level for each way of working.

    Example: contact-center simulate --agents 14 --arrivals 200 --handle 180 --target 20
    """
    day = Day(agents, arrivals, hours, handle, target, patience or None, seed=seed)
    rare = replace(day, experts=experts, hard=hard)
    policies = {
        "everybody takes everything": day,
        "one agent fewer": replace(day, agents=agents - 1),
        "one agent more": replace(day, agents=agents + 1),
        "experts only, however long it takes": rare,
        "experts first, anybody after a minute": replace(rare, relax_seconds=60),
        "a tenth is urgent": replace(day, urgent=0.1),
    }
    outcomes = {name: run(each) for name, each in policies.items()}
    if as_json:
        for name, outcome in outcomes.items():
            print(json.dumps({"policy": name} | values(outcome.tallies) | {"longest": outcome.longest}))
        return
    rows = [HEADINGS, *((name, *_row(policies[name], outcome)) for name, outcome in outcomes.items())]
    for first, *rest in rows:
        print(f"{first:<40}" + "".join(f"{cell:>11}" for cell in rest))


def _row(day: Day, outcome: Outcome) -> tuple[str, ...]:
    found = values(outcome.tallies)
    level, left = found["service_level.standard"] or 0, found["abandonment"] or 0
    waits = (found["asa"] or 0, outcome.wait_at(0.5), outcome.wait_at(0.9), outcome.longest)
    occupancy = outcome.busy_seconds / (outcome.seconds * day.agents) if outcome.seconds else 0
    return f"{level:.1%}", f"{left:.1%}", *(f"{wait:.0f} s" for wait in waits), f"{occupancy:.0%}"
