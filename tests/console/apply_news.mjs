// Applies news to a state with the console's own code, and compares the result with a state read afresh.
// Each line on stdin: {before, events, after}, each state made of API answers. Answers each with a line of JSON: "ok", or what differs.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { apply, bucketKey, refit } from "../../contact_center/agent_ui/src/live/apply.ts";
import { EMPTY } from "../../contact_center/agent_ui/src/live/state.ts";

const byId = (items) => Object.fromEntries(items.map((item) => [item.id, item]));

/** The state a console has after fetching these. */
function stateOf({ snapshot, list, listQuery, contacts, timelines, tickets }) {
  return {
    ...EMPTY,
    upto: snapshot.as_of,
    me: snapshot.me,
    users: byId(snapshot.users),
    queues: byId(snapshot.queues),
    channels: byId(snapshot.channels),
    agents: Object.fromEntries(snapshot.agents.map((agent) => [agent.user_id, agent])),
    auxCodes: snapshot.aux_codes,
    offers: byId(snapshot.offers),
    wrapUps: byId(snapshot.wrap_ups),
    contactReasons: snapshot.contact_reasons,
    dispositions: snapshot.dispositions,
    notices: byId(snapshot.notices),
    counts: Object.fromEntries(snapshot.counts.map((c) => [bucketKey(c.queue_id, c.status, c.assignee_id), c.tickets])),
    tickets: { ...byId(tickets), ...byId(list.items) },
    list: { ...listQuery, ids: list.items.map((ticket) => ticket.id), next: list.next_cursor },
    contacts: byId(contacts),
    timelines: Object.fromEntries(timelines.map(({ id, page }) => [id, { entries: page.items.toReversed(), older: page.next_cursor }])),
  };
}

const keep = (timelines, wanted) => Object.fromEntries(Object.entries(timelines).filter(([id]) => wanted[id]));

/** What both must agree on: everything a person sees. */
function visible(state, tickets) {
  const { upto: _upto, stale: _stale, quarantined: _quarantined, ...rest } = state;
  const me = rest.me && { ...rest.me, undo_send_seconds: 0 };
  return { ...rest, me, tickets: Object.fromEntries(Object.entries(state.tickets).filter(([id]) => tickets.has(id))) };
}

function compare({ before, events, after }) {
  let state = stateOf(before);
  for (const news of events) state = apply(state, news);
  const fresh = stateOf(after);
  // A ticket that left the list is still remembered by the console; only what a fresh one knows is compared.
  const known = new Set(Object.keys(fresh.tickets));
  const forgotten = Object.keys(fresh.timelines).filter((id) => !state.timelines[id]);
  for (const id of forgotten) {
    assert.ok(state.stale > 0, `the history of contact ${id} is gone although nothing told the console to fetch it anew`);
    delete fresh.timelines[id];
  }
  for (const id of Object.keys(state.timelines)) if (!fresh.timelines[id]) delete state.timelines[id];
  if (state.stale > 0) {
    // The console fetches people and their tickets anew; the rest must be right without that.
    for (const one of [state, fresh]) {
      one.contacts = {};
      one.tickets = Object.fromEntries(Object.entries(one.tickets).map(([id, { contact: _contact, ...ticket }]) => [id, ticket]));
    }
  }
  const again = events.reduce(apply, state);
  // A page that was read before the news and comes after them: list and histories as they were, everything else as it is.
  const late = refit({ ...state, list: stateOf(before).list, timelines: keep(stateOf(before).timelines, state.timelines) }, events, before.snapshot.as_of);
  if (!state.stale) assert.deepEqual(visible(late, known), visible(state, known), "a page that comes late undoes news");
  assert.deepEqual(visible(again, known), visible(state, known), "applying the same news twice changes something");
  assert.deepEqual(visible(state, known), visible(fresh, known));
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line);
  let answer = "ok";
  try {
    compare(given);
  } catch (error) {
    answer = `${given.events.map((event) => event.type)}\n${error.message.slice(0, 5000)}`;
  }
  console.log(JSON.stringify(answer));
}
