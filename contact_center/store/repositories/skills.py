"""Skills, who has them, which queue asks for them, and channels that agents leave to others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Connection

from contact_center.model.shift import AgentSkills, QueueNeeds, Skill, SkillLevel, SkillNeed
from contact_center.store.schema.access import queue
from contact_center.store.schema.skills import agent_channel_off, agent_skill, queue_skill, skill


def skills(connection: Connection, project_id: int) -> list[Skill]:
    """Every skill of the project, by name, retired ones too."""
    rows = connection.execute(select(skill).where(skill.c.project_id == project_id).order_by(skill.c.name))
    return [Skill(row.id, row.name, row.retired_at is not None) for row in rows]


def add_skill(connection: Connection, project_id: int, name: str) -> int | None:
    """Make a skill; None when there is one of this name."""
    statement = upsert(skill).values(project_id=project_id, name=name).on_conflict_do_nothing().returning(skill.c.id)
    return connection.execute(statement).scalar()


def change_skill(connection: Connection, skill_id: int, **values: object) -> None:
    """Set columns of a skill."""
    connection.execute(update(skill).where(skill.c.id == skill_id).values(values))


# Who has them. What was retired counts nowhere.


def by_agent(connection: Connection, project_id: int) -> list[AgentSkills]:
    """What agents of the project can do; who has no skill is not among them."""
    statement = select(agent_skill).join(skill, skill.c.id == agent_skill.c.skill_id)
    rows = connection.execute(
        statement.where(skill.c.project_id == project_id, skill.c.retired_at.is_(None)).order_by(
            agent_skill.c.employee_id, agent_skill.c.skill_id
        )
    )
    found = defaultdict(list)
    for row in rows:
        found[row.employee_id].append(SkillLevel(row.skill_id, row.level))
    return [AgentSkills(user_id, tuple(levels)) for user_id, levels in found.items()]


def of_agents(connection: Connection, user_ids: Iterable[int]) -> Mapping[int, Mapping[int, int]]:
    """The level of each skill that these agents have."""
    statement = select(agent_skill).join(skill, skill.c.id == agent_skill.c.skill_id)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for row in connection.execute(statement.where(agent_skill.c.employee_id.in_(list(user_ids)), skill.c.retired_at.is_(None))):
        found[row.employee_id][row.skill_id] = row.level
    return found


def set_of_agent(connection: Connection, user_id: int, levels: Iterable[SkillLevel]) -> None:
    """Give an agent exactly these skills; retired ones, which are not shown, stay as they were."""
    live = select(skill.c.id).where(skill.c.retired_at.is_(None))
    connection.execute(delete(agent_skill).where(agent_skill.c.employee_id == user_id, agent_skill.c.skill_id.in_(live)))
    rows = [{"employee_id": user_id, "skill_id": each.skill_id, "level": each.level} for each in levels]
    if rows:
        connection.execute(insert(agent_skill), rows)


# Which queue asks for them.


def by_queue(connection: Connection, project_id: int) -> list[QueueNeeds]:
    """What queues of the project ask for; a queue that asks for nothing is not among them."""
    return [QueueNeeds(queue_id, needs) for queue_id, needs in needs_of(connection, project_id).items()]


def needs_of(connection: Connection, project_id: int | None = None) -> dict[int, tuple[SkillNeed, ...]]:
    """What each queue asks for, of one project or of all."""
    statement = select(queue_skill).join(queue, queue.c.id == queue_skill.c.queue_id).join(skill, skill.c.id == queue_skill.c.skill_id)
    statement = statement.where(skill.c.retired_at.is_(None)).order_by(queue_skill.c.queue_id, queue_skill.c.skill_id)
    if project_id is not None:
        statement = statement.where(queue.c.project_id == project_id)
    found = defaultdict(list)
    for row in connection.execute(statement):
        found[row.queue_id].append(SkillNeed(row.skill_id, row.level, row.relax_seconds))
    return {queue_id: tuple(needs) for queue_id, needs in found.items()}


def set_of_queue(connection: Connection, queue_id: int, needs: Iterable[SkillNeed]) -> None:
    """Let a queue ask for exactly these skills; retired ones stay as they were."""
    live = select(skill.c.id).where(skill.c.retired_at.is_(None))
    connection.execute(delete(queue_skill).where(queue_skill.c.queue_id == queue_id, queue_skill.c.skill_id.in_(live)))
    rows = [{"queue_id": queue_id, "skill_id": each.skill_id, "level": each.level, "relax_seconds": each.relax_seconds} for each in needs]
    if rows:
        connection.execute(insert(queue_skill), rows)


# Channels.


def channels_off(connection: Connection, user_ids: Iterable[int]) -> Mapping[int, frozenset[str]]:
    """The channels of which these agents are offered nothing."""
    found = defaultdict(set)
    for row in connection.execute(select(agent_channel_off).where(agent_channel_off.c.employee_id.in_(list(user_ids)))):
        found[row.employee_id].add(row.channel)
    return {user_id: frozenset(channels) for user_id, channels in found.items()}


def set_channels_off(connection: Connection, user_id: int, channels: Iterable[str]) -> None:
    """Let an agent be offered nothing of exactly these channels."""
    connection.execute(delete(agent_channel_off).where(agent_channel_off.c.employee_id == user_id))
    rows = [{"employee_id": user_id, "channel": channel} for channel in sorted(set(channels))]
    if rows:
        connection.execute(insert(agent_channel_off), rows)
