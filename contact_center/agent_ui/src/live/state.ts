// What a console knows. Plain values only: `apply.ts` turns one state into the next, and tests compare states.
import type { AgentNow, AuxCode, Channel, Contact, ContactReason, Disposition, Entry, Me, Notice, Offer, Queue, Ticket, User, View, WrapUp } from "../contract/types.ts";

/** One list on screen: which tickets, how far it is loaded. */
export interface List {
  view: View;
  queueId: number | null;
  /** Words searched for; a searched list is not extended by news, only its rows are. */
  words: string;
  /** A saved view; which tickets are in it only the server knows, so it is fetched anew after news. */
  saved?: number | null;
  /** Ticket ids, the latest activity first. */
  ids: number[];
  /** Where the next page begins; null when everything is here. */
  next: string | null;
}

/** A contact's history as far as it is loaded, the oldest first. */
export interface Timeline {
  entries: Entry[];
  /** Where older entries begin; null when the beginning is here. */
  older: string | null;
}

export interface State {
  /** Everything up to this journal number is applied. */
  upto: number;
  me: Me | null;
  users: Record<number, User>;
  queues: Record<number, Queue>;
  channels: Record<number, Channel>;
  /** Active tickets by "queue|status|assignee". */
  counts: Record<string, number>;
  tickets: Record<number, Ticket>;
  list: List | null;
  contacts: Record<number, Contact>;
  timelines: Record<number, Timeline>;
  /** Counts up when something must be fetched anew, because news alone cannot tell (a merge undone, rights changed). */
  stale: number;
  quarantined: number;
  /** Colleagues who were ever signed in to work. */
  agents: Record<number, AgentNow>;
  auxCodes: AuxCode[];
  /** What is on offer now, to oneself and in one's queues. */
  offers: Record<number, Offer>;
  /** What is being written up now, by oneself and in one's queues. */
  wrapUps: Record<number, WrapUp>;
  contactReasons: ContactReason[];
  dispositions: Disposition[];
  /** What this person was told and has not read. */
  notices: Record<number, Notice>;
}

export interface News {
  seq: number;
  type: string;
  at: string;
  actor_id: number | null;
  // Each type has its own data; `apply.ts` reads it by type, and the agreement test holds it to the server.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

export const EMPTY: State = {
  upto: 0,
  me: null,
  users: {},
  queues: {},
  channels: {},
  counts: {},
  tickets: {},
  list: null,
  contacts: {},
  timelines: {},
  stale: 0,
  quarantined: 0,
  agents: {},
  auxCodes: [],
  offers: {},
  wrapUps: {},
  contactReasons: [],
  dispositions: [],
  notices: {},
};
