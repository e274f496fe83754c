"""How agents stand. One open stretch for each at any time; what is chosen during work may wait until the work is done."""

from datetime import datetime

from contact_center.errors import Invalid
from contact_center.model.acts import Act
from contact_center.model.events import AgentChanged, Event
from contact_center.model.routing import AgentNow
from contact_center.model.words import AgentState, OfferState, StateReason
from contact_center.store import Connection, journal
from contact_center.store.repositories import routing
from contact_center.tickets import turns


def choose(
    connection: Connection,
    act: Act,
    project_id: int,
    user_id: int,
    state: AgentState,
    code_id: int | None,
    *,
    after_work: bool = False,
    reason: StateReason = StateReason.CHOSEN,
) -> AgentNow:
    """Put an agent into a state. With `after_work` it begins when what they have in hand is done, at once if that is nothing.

    Raises Invalid for a code that there is not, and for an aux without one while there are codes.
    """
    routing.hold_agent(connection, user_id)
    _check_code(connection, project_id, state, code_id)
    now = routing.state_of(connection, user_id)
    if now is not None and (now.state, now.code_id) == (state, code_id):
        return _ask(connection, act, project_id, user_id, None, None)
    if after_work and state is not AgentState.AVAILABLE and now is not None and _works(connection, user_id, act.now):
        return _ask(connection, act, project_id, user_id, state, code_id)
    return enter(connection, act, project_id, user_id, state, code_id, reason)


def enter(
    connection: Connection, act: Act, project_id: int, user_id: int, state: AgentState, code_id: int | None, reason: StateReason
) -> AgentNow:
    """Begin a state now. Whoever may be offered nothing any more gives back what is on offer."""
    agent = routing.begin_state(connection, user_id, state, code_id, reason, act.now)
    if state is not AgentState.AVAILABLE:
        for offer in routing.open_offers_to(connection, user_id):
            turns.end_offer(connection, act, offer, OfferState.WITHDRAWN)
    return _published(connection, act, project_id, agent)


def sign_out_lost(connection: Connection, act: Act, project_id: int, user_id: int, seen_after: datetime) -> None:
    """An agent without any console since then is offline, and what was on offer to them goes to others.

    What they work on stays theirs: the customer's ticket is not taken from somebody whose line broke.
    """
    routing.hold_agent(connection, user_id)
    if routing.lost(connection, act.now, seen_after, user_id):  # they may be back by now, or another process was faster
        enter(connection, act, project_id, user_id, AgentState.OFFLINE, None, StateReason.LOST)


def begin_asked(connection: Connection, act: Act, project_id: int, user_id: int) -> None:
    """Whoever asked for a state and has nothing in hand any more enters it."""
    routing.hold_agent(connection, user_id)
    now = routing.state_of(connection, user_id)
    if now is not None and now.next_state is not None and routing.done_and_asked(connection, act.now, user_id):
        enter(connection, act, project_id, user_id, now.next_state, now.next_code_id, StateReason.AFTER_WORK)


def _ask(connection: Connection, act: Act, project_id: int, user_id: int, state: AgentState | None, code_id: int | None) -> AgentNow:
    routing.ask_next(connection, user_id, state, code_id)
    agent = routing.state_of(connection, user_id)
    assert agent is not None
    return _published(connection, act, project_id, agent)


def _works(connection: Connection, user_id: int, now: datetime) -> bool:
    return bool(routing.in_hand(connection, user_id, now) or routing.open_offers_to(connection, user_id))


def _check_code(connection: Connection, project_id: int, state: AgentState, code_id: int | None) -> None:
    if state is AgentState.RONA:
        raise Invalid("Nobody chooses this state.", field="state")
    known = {code.id for code in routing.codes(connection, project_id) if not code.retired}
    if state is not AgentState.AUX and code_id is not None:
        raise Invalid("Only aux has a code.", field="code_id")
    if code_id is not None and code_id not in known:
        raise Invalid("There is no such code.", field="code_id")
    if state is AgentState.AUX and code_id is None and known:
        raise Invalid("Say why: choose a code.", field="code_id")


def _published(connection: Connection, act: Act, project_id: int, agent: AgentNow) -> AgentNow:
    journal.append(connection, Event(AgentChanged(agent), project_id), at=act.now, actor_id=act.user_id)
    return agent
