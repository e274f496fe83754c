"""How the floor stands now: who could take what, for the board."""

from datetime import datetime

from contact_center.routing import matcher
from contact_center.routing.offers import Weights
from contact_center.store import Connection
from contact_center.store.repositories import routing, skills


def could_take(connection: Connection, weights: Weights, now: datetime, seen_after: datetime) -> dict[int, int]:
    """For each queue how many could be offered something of it at this moment: available, with room, and with the skills it asks for."""
    free = routing.free_agents(connection, now, seen_after)
    room = {agent.user_id: matcher.WHOLE for agent in free}
    for item in routing.held(connection) if free else ():
        if item.user_id in room:
            room[item.user_id] -= weights.of(item.channel)
    needs = skills.needs_of(connection)
    found: dict[int, int] = {}
    for agent in free:
        if room[agent.user_id] < weights.least:
            continue
        for queue_id in agent.queue_ids:
            fits = all(agent.skills.get(each.skill_id, 0) >= each.level for each in needs.get(queue_id, ()))
            found[queue_id] = found.get(queue_id, 0) + fits
    return found
