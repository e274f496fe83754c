"""Skills and channels: what agents can and will take, and what queues ask for."""

from contact_center.api.agents_schemas import AgentSkillsBody, ChannelsOffBody, QueueNeedsBody, SkillBody, SkillPatchBody
from contact_center.api.context import Context
from contact_center.channels import registry
from contact_center.errors import Conflict, Invalid, NotFound
from contact_center.model.acts import Act
from contact_center.model.audit import Action, Subject
from contact_center.model.events import AgentChanged, Event
from contact_center.model.people import Viewer
from contact_center.model.shift import AgentSkills, QueueNeeds, Skill, Skills
from contact_center.store import Connection, audit, journal
from contact_center.store.repositories import access, routing
from contact_center.store.repositories import skills as repository


async def skills(ctx: Context) -> Skills:
    """Every skill, retired ones too; what the colleagues of one's queues can do, and what one's queues ask for."""
    return await ctx.read(_skills, ctx.viewer)


async def create_skill(ctx: Context, body: SkillBody) -> Skill:
    """Make a skill."""
    return await ctx.write(_create, ctx.act(), ctx.viewer, body)


async def change_skill(ctx: Context, skill_id: int, body: SkillPatchBody) -> Skill:
    """Rename a skill, or retire it."""
    return await ctx.write(_change, ctx.act(), ctx.viewer, skill_id, body)


async def set_agent_skills(ctx: Context, user_id: int, body: AgentSkillsBody) -> AgentSkills:
    """Say all that a colleague can do, one who works in a queue that one sees."""
    return await ctx.write(_set_of_agent, ctx.act(), ctx.viewer, user_id, body)


async def set_queue_needs(ctx: Context, queue_id: int, body: QueueNeedsBody) -> QueueNeeds:
    """Say all that a queue asks of whoever its work is offered to."""
    return await ctx.write(_set_of_queue, ctx.act(), ctx.viewer, queue_id, body)


async def set_my_channels(ctx: Context, body: ChannelsOffBody) -> list[str]:
    """Say of which kinds of channel one is to be offered nothing."""
    return await ctx.write(_set_channels, ctx.act(), ctx.viewer, ctx.viewer.user_id, body)


async def set_agent_channels(ctx: Context, user_id: int, body: ChannelsOffBody) -> list[str]:
    """Say of which kinds of channel a colleague is to be offered nothing."""
    return await ctx.write(_set_channels, ctx.act(), ctx.viewer, user_id, body)


def check_colleague(connection: Connection, viewer: Viewer, user_id: int) -> None:
    """Raises NotFound for everybody but oneself and those who work in a queue that one sees."""
    if user_id != viewer.user_id and user_id not in _colleagues(connection, viewer):
        raise NotFound


def _colleagues(connection: Connection, viewer: Viewer) -> set[int]:
    people = access.users(connection, viewer.project_id)
    served = {each.id: (*each.queue_ids, *(stand_in.queue_id for stand_in in each.stand_ins)) for each in people if not each.disabled}
    return {user_id for user_id, queue_ids in served.items() if viewer.sees_all or any(viewer.sees_queue(each) for each in queue_ids)}


def _skills(connection: Connection, viewer: Viewer) -> Skills:
    colleagues = _colleagues(connection, viewer) | {viewer.user_id}
    return Skills(
        skills=repository.skills(connection, viewer.project_id),
        agents=[each for each in repository.by_agent(connection, viewer.project_id) if each.user_id in colleagues],
        queues=[each for each in repository.by_queue(connection, viewer.project_id) if viewer.sees_queue(each.queue_id)],
    )


def _create(connection: Connection, act: Act, viewer: Viewer, body: SkillBody) -> Skill:
    skill_id = repository.add_skill(connection, viewer.project_id, body.name)
    if skill_id is None:
        raise Conflict("A skill of this name exists already.")
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.SKILL, skill_id)
    return Skill(skill_id, body.name)


def _change(connection: Connection, act: Act, viewer: Viewer, skill_id: int, body: SkillPatchBody) -> Skill:
    known = {skill.id: skill for skill in repository.skills(connection, viewer.project_id)}
    if skill_id not in known:
        raise NotFound
    if any(skill.name == body.name and skill.id != skill_id for skill in known.values()):
        raise Conflict("A skill of this name exists already.")
    values: dict[str, object] = {} if body.name is None else {"name": body.name}
    if body.retired is not None:
        values["retired_at"] = act.now if body.retired else None
    if values:
        repository.change_skill(connection, skill_id, **values)
    audit.note(connection, act, Action.SETTINGS_CHANGED, Subject.SKILL, skill_id)
    return next(skill for skill in repository.skills(connection, viewer.project_id) if skill.id == skill_id)


def _set_of_agent(connection: Connection, act: Act, viewer: Viewer, user_id: int, body: AgentSkillsBody) -> AgentSkills:
    check_colleague(connection, viewer, user_id)
    levels = tuple(each.to_model() for each in body.skills)
    _check_skills(connection, viewer, [each.skill_id for each in levels])
    repository.set_of_agent(connection, user_id, levels)
    audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, user_id, fields=["skills"])
    return AgentSkills(user_id, levels)


def _set_of_queue(connection: Connection, act: Act, viewer: Viewer, queue_id: int, body: QueueNeedsBody) -> QueueNeeds:
    if access.find_queue(connection, viewer.project_id, queue_id) is None:
        raise NotFound
    needs = tuple(each.to_model() for each in body.needs)
    _check_skills(connection, viewer, [each.skill_id for each in needs])
    repository.set_of_queue(connection, queue_id, needs)
    audit.note(connection, act, Action.QUEUE_CHANGED, Subject.QUEUE, queue_id, fields=["skills"])
    return QueueNeeds(queue_id, needs)


def _set_channels(connection: Connection, act: Act, viewer: Viewer, user_id: int, body: ChannelsOffBody) -> list[str]:
    check_colleague(connection, viewer, user_id)
    if unknown := set(body.channels) - set(registry.kinds()):
        raise Invalid(f"There is no channel {min(unknown)}.", field="channels")
    routing.hold_agent(connection, user_id)
    repository.set_channels_off(connection, user_id, body.channels)
    audit.note(connection, act, Action.EMPLOYEE_CHANGED, Subject.EMPLOYEE, user_id, fields=["channels_off"])
    agent = routing.state_of(connection, user_id)
    if agent is not None:
        journal.append(connection, Event(AgentChanged(agent), viewer.project_id), at=act.now, actor_id=act.user_id)
    return sorted(set(body.channels))


def _check_skills(connection: Connection, viewer: Viewer, skill_ids: list[int]) -> None:
    known = {skill.id for skill in repository.skills(connection, viewer.project_id) if not skill.retired}
    if unknown := set(skill_ids) - known:
        raise Invalid(f"There is no skill {min(unknown)}.", field="skill_id")
    if len(set(skill_ids)) < len(skill_ids):
        raise Invalid("A skill is named once.", field="skill_id")
