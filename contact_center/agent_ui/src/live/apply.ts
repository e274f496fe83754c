// News to state, pure: no fetch, no clock, no framework. Applying the same news twice changes nothing more.
import type { Bucket, Contact, Entry, Notice, Offer, Organization, Ticket, User, View, WrapUp } from "../contract/types.ts";
import type { List, News, State } from "./state.ts";

export function apply(state: State, news: News): State {
  if (news.seq <= state.upto) return state;
  const next = change(state, news);
  return { ...next, upto: news.seq };
}

/** What was heard while a page was on its way: the page may be older than the news, and must not undo them. */
export function refit(state: State, heard: News[], asOf: number): State {
  let next = state;
  for (const { seq, type, data } of heard) {
    if (seq <= asOf) continue;
    if (type === "interaction.added" || type === "interaction.changed") next = withEntry(next, data.entry);
    else if (type === "contact.changed") next = withContact(next, data.contact);
    else if (type === "ticket.created" || type === "ticket.changed") next = withRow(next, data.ticket.id);
  }
  return next;
}

function withoutChannel(state: State, id: number): State {
  const channels = { ...state.channels };
  delete channels[id];
  return { ...state, channels };
}

function withRow(state: State, id: number): State {
  const ticket = state.tickets[id];
  return ticket && state.list ? { ...state, list: placed(state, state.list, state.tickets, ticket) } : state;
}

function change(state: State, { type, data }: News): State {
  switch (type) {
    case "ticket.created":
      return withTicket(state, data.ticket, null);
    case "ticket.changed":
      return withTicket(state, data.ticket, data.before);
    case "ticket.gone":
      return withoutTicket(state, data.ticket_id, data.before);
    case "interaction.added":
    case "interaction.changed":
      return withEntry(state, data.entry);
    case "contact.changed":
      return withContact(state, data.contact);
    case "contact.merged":
      return merged(state, data.contact, data.loser_id);
    case "contact.unmerged":
      return forgetTimelines(withContact(withContact(state, data.contact), data.restored), [data.contact.id, data.restored.id]);
    case "contact.history_changed":
      return state.timelines[data.contact_id] ? forgetTimelines(state, [data.contact_id]) : state;
    case "organization.changed":
      return renamedOrganization(state, data.organization);
    case "queue.changed":
      return { ...state, queues: { ...state.queues, [data.queue.id]: data.queue } };
    case "user.changed":
      return withUser(state, data.user);
    case "channel.changed":
      return { ...state, channels: { ...state.channels, [data.channel.id]: data.channel } };
    case "channel.gone":
      return withoutChannel(state, data.channel_id);
    case "raw_item.quarantined":
      return { ...state, quarantined: state.quarantined + 1 };
    case "raw_item.released":
      return { ...state, quarantined: Math.max(0, state.quarantined - 1) };
    case "agent.changed":
      return { ...state, agents: { ...state.agents, [data.agent.user_id]: data.agent } };
    case "aux_codes.changed":
      return { ...state, auxCodes: data.codes };
    case "offer.changed":
      return withOffer(state, data.offer);
    case "wrap_up.changed":
      return withWrapUp(state, data.wrap_up);
    case "contact_reasons.changed":
      return { ...state, contactReasons: data.reasons };
    case "dispositions.changed":
      return { ...state, dispositions: data.dispositions };
    case "notice.changed":
      return withNotice(state, data.notice);
    default:
      return state;
  }
}

function withOffer(state: State, offer: Offer): State {
  const offers = { ...state.offers };
  if (offer.state === "open") offers[offer.id] = offer;
  else delete offers[offer.id];
  return { ...state, offers };
}

function withWrapUp(state: State, wrapUp: WrapUp): State {
  const wrapUps = { ...state.wrapUps };
  if (wrapUp.end || wrapUp.called_back) delete wrapUps[wrapUp.id];
  else wrapUps[wrapUp.id] = wrapUp;
  return { ...state, wrapUps };
}

function withNotice(state: State, notice: Notice): State {
  const notices = { ...state.notices };
  if (notice.read) delete notices[notice.id];
  else notices[notice.id] = notice;
  return { ...state, notices };
}

// Tickets, the list and the counts.

function withTicket(state: State, ticket: Ticket, before: Bucket | null): State {
  const counts = { ...state.counts };
  if (before && sees(state, before)) count(counts, before, -1);
  if (!ticket.merged_into) count(counts, ticket, +1);
  const known = state.tickets[ticket.id];
  if (known && known.version > ticket.version) return { ...state, counts };
  const tickets = { ...state.tickets, [ticket.id]: ticket };
  const next = { ...state, counts, tickets, list: state.list && placed(state, state.list, tickets, ticket) };
  // A ticket that went to another person took its entries along, also for those who may not hear of that person.
  return known && known.contact.id !== ticket.contact.id ? forgetTimelines(next, [known.contact.id, ticket.contact.id]) : next;
}

function withoutTicket(state: State, id: number, before: Bucket): State {
  const counts = { ...state.counts };
  if (sees(state, before)) count(counts, before, -1);
  const tickets = { ...state.tickets };
  delete tickets[id];
  const list = state.list && { ...state.list, ids: state.list.ids.filter((other) => other !== id) };
  return { ...state, counts, tickets, list };
}

function count(counts: Record<string, number>, bucket: Bucket, by: number): void {
  if (bucket.status !== "open" && bucket.status !== "waiting") return;
  const key = bucketKey(bucket.queue_id, bucket.status, bucket.assignee_id);
  const value = (counts[key] ?? 0) + by;
  if (value > 0) counts[key] = value;
  else delete counts[key];
}

export function bucketKey(queueId: number, status: string, assigneeId: number | null | undefined): string {
  return `${queueId}|${status}|${assigneeId ?? ""}`;
}

/** Whether tickets of this bucket are in the viewer's sight: the server's rule, for counting what was seen before. */
function sees(state: State, bucket: Bucket): boolean {
  const user = state.me?.user;
  if (!user) return false;
  return user.role === "admin" || serves(user, bucket.queue_id) || bucket.assignee_id === user.id;
}

/** Whether an employee sees a queue by their own right, for good or for a while. */
export function serves(user: User, queueId: number): boolean {
  return user.queue_ids.includes(queueId) || user.stand_ins.some((each) => each.queue_id === queueId);
}

export function inList(list: List, ticket: Ticket, me: number): boolean {
  if (ticket.merged_into || (list.queueId !== null && ticket.queue_id !== list.queueId)) return false;
  return inView(list.view, ticket, me);
}

function inView(view: View, ticket: Ticket, me: number): boolean {
  const active = ticket.status === "open" || ticket.status === "waiting";
  switch (view) {
    case "open":
      return ticket.status === "open";
    case "mine":
      return active && ticket.assignee_id === me;
    case "unassigned":
      return ticket.status === "open" && !ticket.assignee_id;
    case "awaiting":
      return !!ticket.waiting_since && !ticket.assignee_id;
    case "in_work":
      return !!ticket.waiting_since && !!ticket.assignee_id;
    case "waiting":
      return ticket.status === "waiting";
    case "resolved":
      return !active;
    case "all":
      return true;
  }
}

function placed(state: State, list: List, tickets: Record<number, Ticket>, ticket: Ticket): List {
  const listed = list.ids.includes(ticket.id);
  const ids = list.ids.filter((id) => id !== ticket.id);
  if (!inList(list, ticket, state.me?.user.id ?? 0)) return listed ? { ...list, ids } : list;
  if ((list.words || list.saved) && !listed) return list;
  if (list.saved) return list; // its order is the server's
  const at = ids.findIndex((id) => tickets[id] !== undefined && compareRows(ticket, tickets[id], list.view) < 0);
  if (at < 0 && list.next !== null) return { ...list, ids }; // it belongs to a page that is not loaded yet
  return { ...list, ids: at < 0 ? [...ids, ticket.id] : ids.toSpliced(at, 0, ticket.id) };
}

/** The order of lists: the latest activity first, then the larger id; where customers wait, whoever waits longest. */
export function compareRows(a: Ticket, b: Ticket, view: View = "all"): number {
  if ((view === "awaiting" || view === "in_work") && a.waiting_since && b.waiting_since) return compareInstants(a.waiting_since, b.waiting_since) || a.id - b.id;
  return compareInstants(b.last_entry?.at ?? b.created_at, a.last_entry?.at ?? a.created_at) || b.id - a.id;
}

/** Instants as the server writes them: microseconds only where there are any, so the Z must not take part. */
export function compareInstants(a: string, b: string): number {
  const [x, y] = [a.slice(0, -1), b.slice(0, -1)];
  return x < y ? -1 : x > y ? 1 : 0;
}

// Entries and contacts.

function withEntry(state: State, entry: Entry): State {
  const timeline = state.timelines[entry.contact_id];
  if (!timeline) return state;
  const others = timeline.entries.filter((other) => other.id !== entry.id);
  if (entry.delivery?.state === "cancelled") return withTimeline(state, entry.contact_id, { ...timeline, entries: others });
  const at = others.findIndex((other) => compareEntries(entry, other) < 0);
  const first = others[0];
  if (timeline.older !== null && first && compareEntries(entry, first) < 0) return state; // older than what is loaded
  const entries = at < 0 ? [...others, entry] : others.toSpliced(at, 0, entry);
  return withTimeline(state, entry.contact_id, { ...timeline, entries });
}

export function compareEntries(a: Entry, b: Entry): number {
  return compareInstants(a.occurred_at, b.occurred_at) || a.id - b.id;
}

function withTimeline(state: State, contactId: number, timeline: State["timelines"][number]): State {
  return { ...state, timelines: { ...state.timelines, [contactId]: timeline } };
}

function withContact(state: State, contact: Contact): State {
  const contacts = state.contacts[contact.id] ? { ...state.contacts, [contact.id]: contact } : state.contacts;
  let tickets = state.tickets;
  for (const ticket of Object.values(tickets)) {
    if (ticket.contact.id !== contact.id) continue;
    tickets = { ...tickets, [ticket.id]: { ...ticket, contact: reference(contact) } };
  }
  return { ...state, contacts, tickets };
}

function renamedOrganization(state: State, { id, name }: Organization): State {
  let contacts = state.contacts;
  for (const contact of Object.values(contacts)) {
    if (contact.organization?.id === id) contacts = { ...contacts, [contact.id]: { ...contact, organization: { id, name } } };
  }
  return { ...state, contacts };
}

function merged(state: State, survivor: Contact, loserId: number): State {
  const tickets = { ...state.tickets };
  for (const ticket of Object.values(tickets)) {
    if (ticket.contact.id === loserId) tickets[ticket.id] = { ...ticket, contact: reference(survivor) };
  }
  const contacts = { ...state.contacts };
  if (contacts[loserId] || contacts[survivor.id]) contacts[survivor.id] = survivor;
  delete contacts[loserId];
  return forgetTimelines({ ...state, tickets, contacts }, [survivor.id, loserId]);
}

function reference(contact: Contact): Ticket["contact"] {
  return { id: contact.id, name: contact.name, provisional: contact.provisional };
}

function forgetTimelines(state: State, ids: number[]): State {
  const timelines = { ...state.timelines };
  for (const id of ids) delete timelines[id];
  return { ...state, timelines, stale: state.stale + 1 };
}

function withUser(state: State, user: State["users"][number]): State {
  const me = state.me && state.me.user.id === user.id ? { ...state.me, user } : state.me;
  return { ...state, me, users: { ...state.users, [user.id]: user } };
}
