// Asking the search, and showing where the words stand. Older questions are broken off by newer ones.
import { nextTick, ref, type Ref } from "vue";
import { api, ask } from "@/api/client";
import type { components, operations } from "@/contract/api";

export type Answer = components["schemas"]["SearchAnswer"];
export type EntryHit = components["schemas"]["EntryHit"];
export type Query = NonNullable<operations["search_search"]["parameters"]["query"]>;

export interface Finder {
  answer: Ref<Answer | null>;
  /** True once an answer has been awaited long enough that something should be shown. */
  slow: Ref<boolean>;
  /** False when a newer question broke this one off. */
  find(query: Query, more?: boolean): Promise<boolean>;
  clear(): void;
}

const PATIENCE = 150; // milliseconds before a skeleton is shown

export function useFinder(): Finder {
  const answer = ref<Answer | null>(null);
  const slow = ref(false);
  let running: AbortController | null = null;

  async function find(query: Query, more = false): Promise<boolean> {
    running?.abort();
    const mine = (running = new AbortController());
    const timer = setTimeout(() => (slow.value = running === mine), PATIENCE);
    try {
      const cursor = more ? answer.value?.next_cursor : null;
      const page = await ask(api.GET("/api/v1/search", { params: { query: { ...query, cursor } }, signal: mine.signal }));
      if (running !== mine) return false;
      answer.value = more && answer.value ? { ...page, people: answer.value.people, tickets: answer.value.tickets, items: [...answer.value.items, ...page.items] } : page;
      return true;
    } catch (error) {
      if (running === mine) throw error; // a question that was broken off has nothing to say
      return false;
    } finally {
      clearTimeout(timer);
      if (running === mine) slow.value = false;
    }
  }

  function clear(): void {
    running?.abort();
    running = null;
    answer.value = null;
    slow.value = false;
  }
  return { answer, slow, find, clear };
}

export interface Segment {
  text: string;
  marked: boolean;
}

/** A text cut at its ranges, which count Unicode characters. Segments are shown as text, never as markup. */
export function segments(text: string, ranges: readonly (readonly number[])[]): Segment[] {
  const letters = Array.from(text);
  const found: Segment[] = [];
  let at = 0;
  for (const [from = 0, to = 0] of ranges) {
    if (from > at) found.push({ text: letters.slice(at, from).join(""), marked: false });
    found.push({ text: letters.slice(from, to).join(""), marked: true });
    at = to;
  }
  if (at < letters.length) found.push({ text: letters.slice(at).join(""), marked: false });
  return found;
}

/** Where an entry is opened: in its ticket, or with its person when it has none. */
export function placeOf(hit: EntryHit): string {
  return hit.entry.ticket_id ? `/tickets/all/${hit.entry.ticket_id}` : `/people/${hit.entry.contact.id}`;
}

interface Histories {
  state: { timelines: Record<number, { entries: readonly { id: number }[]; older: string | null } | undefined> };
  olderEntries(contact: number): Promise<void>;
}

const FURTHEST = 40; // pages of history that are fetched on the way to an old entry

/** Bring an entry of the history that is being opened into sight, however far back it is. */
export async function reveal(live: Histories, contact: number, entry: number): Promise<void> {
  const until = Date.now() + 5000;
  while (!live.state.timelines[contact] && Date.now() < until) await pause(50);
  for (let pages = 0; pages < FURTHEST; pages++) {
    const history = live.state.timelines[contact];
    if (!history || history.entries.some((each) => each.id === entry) || !history.older) break;
    await live.olderEntries(contact);
  }
  await nextTick();
  // Twice: the pane scrolls to its end when it opens.
  for (const wait of [60, 250]) {
    await pause(wait);
    const element = document.querySelector<HTMLElement>(`[data-entry="${entry}"]`);
    element?.scrollIntoView({ block: "center" });
    element?.animate?.([{ outline: "2px solid var(--accent)", outlineOffset: "3px" }, { outline: "2px solid transparent", outlineOffset: "3px" }], { duration: 2200 });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
