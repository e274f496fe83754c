"""A product with something of everything in it, for requests that are made up: it is thrown away afterwards."""

from collections.abc import Callable
from typing import Any

from contact_center.model.words import Role
from contact_center.testing import RunningApp
from tests.api import samples
from tests.api.world import World, make_user, make_world
from tests.fuzz.api import ROLES


async def people(server: RunningApp) -> tuple[Callable[[str], dict[str, str]], dict[str, int]]:
    """The headers of each role, and the numbers of things that exist."""
    world = await make_world(server)
    headers = {who: await world.headers(who) for who in ROLES}
    ids = dict(world.own.ids)
    for make in (samples._import, samples._webhook, samples._calendar, samples._merge, samples._point):
        made = await make(world, world.own, "admin")
        ids |= {name: value for name, value in made.items() if name.endswith("_id")}
    ids["other_id"] = await _other(world)
    ids["user_id"] = await make_user(server, "passing", Role.AGENT, [1])
    ids["assignee_id"] = ids["owner_id"] = world.people["agent"]
    return headers.__getitem__, ids


async def _other(world: World) -> Any:
    made = await samples._other_contact(world, world.own, "admin")
    return made["body"]["other_id"]
