// What somebody is writing, per ticket. It is kept here at once and on the server a moment later, so that it survives going
// elsewhere, a reload, a lost network, another browser and another assignee. Two windows never write over each other unseen.
import { defineStore } from "pinia";
import { reactive, watch } from "vue";
import { api, ask, newKey, Problem, sendAlong } from "@/api/client";
import type { Desk, SavedDraft } from "@/contract/types";

export interface Draft {
  mode: "reply" | "note";
  text: string;
  /** Other recipients than the usual one, as they were typed; absent: whoever wrote last. */
  to?: string | null;
  cc: string;
  showCc: boolean;
  /** The channel account to answer by; null: the one the customer used last. */
  channelId?: number | null;
  files: { id: number; filename: string; size: number }[];
  /** The newest entry that was there when the writing began; null: a colleague's answer since then is known of. */
  seen?: number | null;
  /** Sent with the request, so that a repetition after a lost answer is the same reply. */
  key: string;
  /** The server's version that this began from; absent: none that we know. */
  version?: number;
  /** What of it the server has, and as what. */
  saved?: string;
  savedAs?: "reply" | "note";
}

/** What stands on the server instead of what is written here; without a draft: it was sent or discarded elsewhere. */
export interface Conflict {
  theirs: SavedDraft | null;
  version: number;
}

const STORED = "cc.drafts";
const OWNER = "cc.drafts.of"; // whose they are: several people may use one browser
const KEEP = 200;
const PAUSE = 1000; // milliseconds after the last letter
const AGAIN = 5000; // milliseconds until what did not reach the server is tried again

export const useDrafts = defineStore("drafts", () => {
  const drafts = reactive<Record<number, Draft>>(load());
  const conflicts = reactive<Record<number, Conflict>>({});
  const timers: Record<number, ReturnType<typeof setTimeout>> = {};
  const onWay = new Set<number>();
  let known = false; // whose drafts these are
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(drafts, () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 300);
    for (const id of Object.keys(drafts)) if (isBehind(Number(id))) later(Number(id), PAUSE);
  });
  addEventListener("pagehide", () => (keep(), leave()));

  /** Somebody is signed in: what another person wrote in this browser is not theirs, and does not go up in their name. */
  function belongTo(userId: number): void {
    const owner = localStorage.getItem(OWNER);
    if (owner !== null && owner !== String(userId)) for (const id of Object.keys(drafts)) clear(Number(id));
    localStorage.setItem(OWNER, String(userId));
    known = true;
    for (const id of Object.keys(drafts)) if (isBehind(Number(id))) later(Number(id), PAUSE);
  }

  function load(): Record<number, Draft> {
    try {
      return JSON.parse(localStorage.getItem(STORED) ?? "{}");
    } catch {
      return {};
    }
  }

  function keep(): void {
    const worthKeeping = Object.entries(drafts).filter(([, draft]) => draft.text || draft.files.length);
    localStorage.setItem(STORED, JSON.stringify(Object.fromEntries(worthKeeping.slice(-KEEP))));
  }

  function of(ticketId: number): Draft {
    return (drafts[ticketId] ??= fresh());
  }

  /** A ticket became part of another one: what is being written goes on there. */
  function follow(from: number, to: number): void {
    if (drafts[from]?.text && !drafts[to]?.text) drafts[to] = drafts[from];
  }

  function clear(ticketId: number): void {
    clearTimeout(timers[ticketId]);
    delete drafts[ticketId];
    delete conflicts[ticketId];
  }

  // The server.

  function isBehind(ticketId: number): boolean {
    const draft = drafts[ticketId];
    if (!known || !draft || conflicts[ticketId]) return false;
    if (isEmpty(draft)) return !!draft.saved && draft.saved !== EMPTY;
    return draft.saved !== print(draft);
  }

  function later(ticketId: number, pause: number): void {
    clearTimeout(timers[ticketId]);
    timers[ticketId] = setTimeout(() => void push(ticketId), pause);
  }

  function body(draft: Draft) {
    const empty = isEmpty(draft);
    return {
      kind: draft.mode, version: draft.version ?? 0, text: empty ? "" : draft.text, to: draft.to ?? null, cc: draft.cc, channel_id: draft.channelId ?? null,
      attachment_ids: draft.files.map((file) => file.id), seen_entry_id: draft.seen ?? null,
    };
  }

  /** Bring it to the server now, as when its ticket is left. */
  async function push(ticketId: number): Promise<void> {
    clearTimeout(timers[ticketId]);
    const draft = drafts[ticketId];
    if (!draft || !isBehind(ticketId)) return;
    if (onWay.has(ticketId)) return later(ticketId, PAUSE);
    onWay.add(ticketId);
    const path = { ticket_id: ticketId };
    const sent = isEmpty(draft) ? EMPTY : print(draft);
    const kind = draft.mode;
    try {
      if (draft.savedAs && draft.savedAs !== kind) {
        await ask(api.DELETE("/api/v1/tickets/{ticket_id}/drafts", { params: { path, query: { kind: draft.savedAs } } }));
        Object.assign(draft, { version: undefined, savedAs: undefined });
      }
      const answer = await ask(api.PUT("/api/v1/tickets/{ticket_id}/drafts", { params: { path }, body: body(draft) }));
      Object.assign(draft, { version: answer.version, saved: sent, savedAs: kind });
    } catch (error) {
      const problem = error instanceof Problem ? error : null;
      if (problem?.code === "draft-changed") await settle(ticketId, draft, Number(problem.details["version"] ?? 0)).catch(() => later(ticketId, AGAIN));
      else if (!problem || problem.status === 0 || problem.status >= 500) later(ticketId, AGAIN);
    } finally {
      onWay.delete(ticketId);
    }
  }

  /** The server has something else than what this window began from. */
  async function settle(ticketId: number, draft: Draft, version: number): Promise<void> {
    const desk = await ask(api.GET("/api/v1/tickets/{ticket_id}/desk", { params: { path: { ticket_id: ticketId } } }));
    if (drafts[ticketId] !== draft && drafts[ticketId]?.key !== draft.key) return; // sent meanwhile
    const theirs = desk.mine.find((each) => each.kind === draft.mode) ?? null;
    if (theirs && print(draftOf(theirs)) === print(draft)) Object.assign(draft, { version: theirs.version, saved: print(draft), savedAs: draft.mode });
    else if (theirs || draft.version) conflicts[ticketId] = { theirs, version: theirs?.version ?? version };
    else {
      draft.version = version; // what stood there has ended, and this is new
      later(ticketId, 0);
    }
  }

  /** Of two windows' words this person wants these. */
  function decide(ticketId: number, mine: boolean): void {
    const conflict = conflicts[ticketId];
    if (!conflict) return;
    delete conflicts[ticketId];
    if (mine) {
      Object.assign(of(ticketId), { version: conflict.version, saved: "?" });
      void push(ticketId);
    } else if (conflict.theirs) drafts[ticketId] = draftOf(conflict.theirs);
    else clear(ticketId);
  }

  /** What the server has, for whoever opens the ticket or hears that something changed there. */
  function meet(desk: Desk): void {
    const draft = drafts[desk.ticket_id];
    const theirs = desk.mine.find((each) => each.kind === draft?.mode) ?? desk.mine[0];
    if (onWay.has(desk.ticket_id) || conflicts[desk.ticket_id]) return;
    const settled = !!draft && draft.saved === print(draft); // nothing here that the server has not had
    if (theirs && (!draft || isEmpty(draft) ? !draft?.saved || draft.saved === EMPTY : settled && draft.version !== theirs.version)) drafts[desk.ticket_id] = draftOf(theirs);
    else if (!theirs && settled && draft.version && !isEmpty(draft)) clear(desk.ticket_id); // sent or discarded elsewhere
  }

  /** A colleague's draft is this person's now. */
  function adopt(saved: SavedDraft): void {
    drafts[saved.ticket_id] = draftOf(saved);
  }

  /** The page goes: what is still on its way is sent along, as far as a browser allows. */
  function leave(): void {
    for (const [id, draft] of Object.entries(drafts)) {
      if (!isBehind(Number(id)) || (draft.savedAs && draft.savedAs !== draft.mode)) continue;
      sendAlong("PUT", `/api/v1/tickets/${id}/drafts`, body(draft));
    }
  }

  return { belongTo, of, follow, clear, conflicts, push, decide, meet, adopt };
});

const EMPTY = "empty";

function fresh(): Draft {
  return { mode: "reply", text: "", cc: "", showCc: false, files: [], key: newKey() };
}

function isEmpty(draft: Draft): boolean {
  return !draft.text.trim() && !draft.files.length;
}

function print(draft: Draft): string {
  return JSON.stringify([draft.mode, draft.text, draft.to ?? null, draft.cc, draft.channelId ?? null, draft.files.map((file) => file.id)]);
}

function draftOf(saved: SavedDraft): Draft {
  const draft: Draft = {
    ...fresh(), mode: saved.kind, text: saved.text, to: saved.to, cc: saved.cc, showCc: !!saved.cc, channelId: saved.channel_id, files: [...saved.files],
    seen: saved.seen_entry_id, version: saved.version, savedAs: saved.kind,
  };
  return { ...draft, saved: print(draft) };
}
