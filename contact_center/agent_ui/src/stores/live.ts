// The state on screen: fetched once, then kept by news. Everything that shows data reads from here.
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { api, ask } from "@/api/client";
import type { Contact, Entry, Ticket, View } from "@/contract/types";
import { apply, bucketKey, compareInstants, refit } from "@/live/apply";
import { watchActivity } from "@/live/activity";
import { Line, type Companion } from "@/live/line";
import { useToasts } from "./toasts";
import { EMPTY, type News, type State, type Timeline } from "@/live/state";

const RENEW = 15_000;
const DEEPEST = 1000; // entries, or rows, that are fetched anew at once

export const useLive = defineStore("live", () => {
  const state = shallowRef<State>(EMPTY);
  const connection = ref<"connecting" | "live" | "lost">("connecting");
  const lostAt = ref<number | null>(null);
  const signedOut = ref(false);
  const firstRun = ref(false);
  const answered = ref(false); // somebody has answered a customer: that stays true when the customer writes again
  const mailPort = ref<number | null>(null);
  const latest = shallowRef<News[]>([]); // what was heard last, for those who want to act on it once
  const company = shallowRef<{ ticketId: number; people: Companion[] } | null>(null);
  let place: [number | null, boolean] | null = null; // where this person is: told anew after a lost network
  let active = false; // whether this console is in use
  let restless: (() => void) | null = null;
  let watching: number[] = [];
  let buffered: { events: News[]; upto: number }[] | null = [];
  let line: Line | null = null;
  let fetching = 0;
  let heard: News[] = []; // while pages are on their way: each is older than what was heard since it was asked for
  let growing: string | null = null; // the page of the list that is on its way
  let reach = ""; // how far back the history on screen went that a merge made us forget
  let wanted: { view: View; queueId: number | null; words: string; saved: number | null } | null = null;

  const me = computed(() => state.value.me);
  const can = (permission: string) => me.value?.permissions.includes(permission) ?? false;

  function update(patch: Partial<State>): void {
    state.value = { ...state.value, ...patch };
  }

  // News.

  function hear(events: News[], upto: number): void {
    if (buffered) return void buffered.push({ events, upto });
    if (fetching) heard.push(...events);
    answered.value ||= events.some((news) => news.type === "interaction.added" && news.data.entry.direction === "out" && news.data.entry.author_id !== null);
    let next = state.value;
    const { stale, timelines } = next;
    for (const news of events) next = apply(next, news);
    for (const id of watching) if (!next.timelines[id]) reach = timelines[id]?.entries[0]?.occurred_at ?? reach;
    state.value = upto > next.upto ? { ...next, upto } : next;
    document.documentElement.dataset.upto = String(state.value.upto);
    if (events.length) latest.value = events;
    if (next.stale !== stale) void refetch();
  }

  /** Remember what is heard from now on; the function returned fits it into the state and ends that. */
  function listen(): (asOf: number) => void {
    fetching += 1;
    const from = heard.length;
    return (asOf) => {
      state.value = refit(state.value, heard.slice(from), asOf);
      if (--fetching === 0) heard = [];
    };
  }

  async function start(): Promise<void> {
    line?.close();
    restless ??= watchUse();
    line = new Line(
      {
        news: hear,
        reset: () => void reset(),
        company: (ticketId, people) => (company.value = { ticketId, people }),
        connected: () => (tell(), (connection.value = "live"), (lostAt.value = null), useToasts().online()),
        disconnected: () => ((connection.value = "lost"), (lostAt.value ??= Date.now())),
        bye: () => (signedOut.value = true),
      },
      () => ({ after: state.value.upto, contacts: watching }),
    );
    buffered = [];
    line.open();
    await fetchSnapshot();
  }

  function stop(): void {
    restless?.();
    restless = null;
    line?.close();
    line = null;
    state.value = EMPTY;
    wanted = null;
    watching = [];
    answered.value = false;
  }

  async function fetchSnapshot(): Promise<void> {
    const snapshot = await ask(api.GET("/api/v1/snapshot"));
    firstRun.value = snapshot.first_run;
    answered.value ||= snapshot.answered;
    mailPort.value = snapshot.mail_port;
    update({
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
    });
    const waiting = buffered ?? [];
    buffered = null;
    for (const { events, upto } of waiting) hear(events, upto);
  }

  /** Start afresh without losing the page: the server could not fill the gap. */
  async function reset(): Promise<void> {
    const root = document.documentElement;
    root.dataset.resets = String(Number(root.dataset.resets ?? 0) + 1);
    buffered = [];
    await fetchSnapshot();
    await refetch();
  }

  async function refetch(): Promise<void> {
    if (wanted) await openList(wanted.view, wanted.queueId, wanted.words, state.value.list?.ids.length, wanted.saved);
    for (const id of watching) await openContact(id, true);
  }

  // Lists.

  /** `least`: how many rows there were before, so that whoever was far down finds their place again. */
  async function openList(view: View, queueId: number | null, words = "", least = 0, saved: number | null = null): Promise<void> {
    wanted = { view, queueId, words, saved };
    const mine = wanted;
    const fit = listen();
    let asOf = Infinity;
    try {
      const page = await ask(api.GET("/api/v1/tickets", { params: { query: { view, queue_id: queueId, saved_view_id: saved, q: words, limit: 100 } } }));
      if (wanted !== mine) return; // another list was asked for meanwhile
      const items = [...page.items];
      let next = page.next_cursor;
      while (next && items.length < Math.min(least, DEEPEST)) {
        const more: typeof page = await ask(api.GET("/api/v1/tickets", { params: { query: { view, queue_id: queueId, saved_view_id: saved, q: words, limit: 200, cursor: next } } }));
        if (wanted !== mine) return;
        items.push(...more.items);
        next = more.next_cursor;
      }
      remember(items);
      update({ list: { view, queueId, words, saved, ids: [...new Set(items.map((ticket) => ticket.id))], next } });
      asOf = page.as_of;
    } finally {
      fit(asOf);
    }
  }

  /** Which tickets a saved view holds is asked again; the rows on screen stay until the answer is there. */
  async function renewSaved(): Promise<void> {
    if (wanted?.saved) await openList(wanted.view, wanted.queueId, wanted.words, state.value.list?.ids.length, wanted.saved);
  }

  async function moreOfList(): Promise<void> {
    const list = state.value.list;
    if (!list?.next || list.next === growing) return;
    growing = list.next;
    const query = { view: list.view, queue_id: list.queueId, saved_view_id: list.saved, q: list.words, limit: 200, cursor: list.next };
    const page = await ask(api.GET("/api/v1/tickets", { params: { query } })).finally(() => (growing = null));
    const now = state.value.list;
    if (!now || now.next !== list.next || now.view !== list.view || now.queueId !== list.queueId || now.saved !== list.saved) return;
    remember(page.items);
    const known = new Set(now.ids);
    const ids = [...now.ids, ...page.items.map((ticket) => ticket.id).filter((id) => !known.has(id))];
    update({ list: { ...now, ids, next: page.next_cursor } });
  }

  function remember(tickets: Ticket[]): void {
    const known = { ...state.value.tickets };
    for (const ticket of tickets) if (!known[ticket.id] || known[ticket.id]!.version <= ticket.version) known[ticket.id] = ticket;
    update({ tickets: known });
  }

  async function openTicket(id: number): Promise<Ticket> {
    const known = state.value.tickets[id];
    if (known && !known.merged_into) return known;
    const ticket = await ask(api.GET("/api/v1/tickets/{ticket_id}", { params: { path: { ticket_id: id } } }));
    remember([ticket]);
    return ticket;
  }

  // Contacts and their history.

  async function openContact(id: number, again = false): Promise<number> {
    watching = [id];
    // Histories that are not on screen are not kept up by news: forget them, else coming back shows an old one.
    const kept = state.value.timelines[id];
    update({ timelines: kept ? { [id]: kept } : {} });
    await line?.watch(watching); // news first, then the history: nothing can fall in between
    if (state.value.timelines[id] && state.value.contacts[id] && !again) return id;
    const path = { contact_id: id };
    const fit = listen();
    let asOf = Infinity;
    let contact: Contact;
    try {
      const [found, page, tickets] = await Promise.all([
        ask(api.GET("/api/v1/contacts/{contact_id}", { params: { path } })),
        ask(api.GET("/api/v1/contacts/{contact_id}/timeline", { params: { path, query: { limit: 50 } } })),
        ask(api.GET("/api/v1/contacts/{contact_id}/tickets", { params: { path } })),
      ]);
      contact = found;
      remember(tickets);
      if (!watching.includes(id)) return contact.id; // somebody else is on screen by now, and only their news come
      const timeline = await asFarAsBefore(id, { entries: page.items.toReversed(), older: page.next_cursor });
      if (!watching.includes(id)) return contact.id;
      update({ contacts: { ...state.value.contacts, [contact.id]: contact }, timelines: { [contact.id]: timeline } });
      asOf = 0; // the three answers have three moments; news that come twice change nothing
    } finally {
      fit(asOf);
    }
    if (contact.id !== id) return openContact(contact.id);
    return contact.id;
  }

  /** A history that is fetched anew reaches back to where it was read, else the line being read would be gone. */
  async function asFarAsBefore(id: number, timeline: Timeline): Promise<Timeline> {
    const start = state.value.timelines[id]?.entries[0]?.occurred_at ?? reach;
    let deep = timeline;
    while (start && deep.older && deep.entries.length < DEEPEST && compareInstants(deep.entries[0]!.occurred_at, start) > 0) deep = before(await pageBefore(id, deep.older), deep);
    reach = "";
    return deep;
  }

  function pageBefore(id: number, cursor: string) {
    return ask(api.GET("/api/v1/contacts/{contact_id}/timeline", { params: { path: { contact_id: id }, query: { limit: 100, cursor } } }));
  }

  async function olderEntries(id: number): Promise<void> {
    const timeline = state.value.timelines[id];
    if (!timeline?.older) return;
    const page = await pageBefore(id, timeline.older);
    const now = state.value.timelines[id];
    if (!now || now.older !== timeline.older) return;
    update({ timelines: { ...state.value.timelines, [id]: before(page, now) } });
  }

  /** Look at a ticket, or write in it; null: nowhere. */
  function at(ticketId: number | null, writing: boolean): void {
    if (place?.[0] === ticketId && place[1] === writing) return;
    place = [ticketId, writing];
    tell();
  }

  function tell(): void {
    if (place) line?.at(...place, active);
  }

  /** A console in use says so again and again: what nobody says any more is over. */
  function watchUse(): () => void {
    const unwatch = watchActivity((now) => ((active = now), tell()));
    const renewing = setInterval(() => active && place?.[0] && tell(), RENEW);
    return () => (unwatch(), clearInterval(renewing));
  }

  function rememberContact(contact: Contact): void {
    update({ contacts: { ...state.value.contacts, [contact.id]: contact } });
  }

  return {
    state, connection, lostAt, signedOut, firstRun, answered, mailPort, latest, me, can,
    company, at, start, stop, openList, renewSaved, moreOfList, openTicket, openContact, olderEntries, remember, rememberContact,
  };
});

function before(page: { items: Entry[]; next_cursor?: string | null }, { entries }: Timeline): Timeline {
  const known = new Set(entries.map((entry) => entry.id));
  return { entries: [...page.items.toReversed().filter((entry) => !known.has(entry.id)), ...entries], older: page.next_cursor ?? null };
}

function byId<T extends { id: number }>(items: T[]): Record<number, T> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}
