// What somebody is writing, per ticket: survives going elsewhere, reloads and a lost network.
import { defineStore } from "pinia";
import { reactive, watch } from "vue";
import { newKey } from "@/api/client";

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
}

const STORED = "cc.drafts";
const KEEP = 200;

export const useDrafts = defineStore("drafts", () => {
  const drafts = reactive<Record<number, Draft>>(load());
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(drafts, () => {
    clearTimeout(timer);
    timer = setTimeout(save, 300);
  });
  addEventListener("pagehide", save);

  function load(): Record<number, Draft> {
    try {
      return JSON.parse(localStorage.getItem(STORED) ?? "{}");
    } catch {
      return {};
    }
  }

  function save(): void {
    const worthKeeping = Object.entries(drafts).filter(([, draft]) => draft.text || draft.files.length);
    localStorage.setItem(STORED, JSON.stringify(Object.fromEntries(worthKeeping.slice(-KEEP))));
  }

  function of(ticketId: number): Draft {
    return (drafts[ticketId] ??= { mode: "reply", text: "", cc: "", showCc: false, files: [], key: newKey() });
  }

  /** A ticket became part of another one: what is being written goes on there. */
  function follow(from: number, to: number): void {
    if (drafts[from]?.text && !drafts[to]?.text) drafts[to] = drafts[from];
  }

  function clear(ticketId: number): void {
    delete drafts[ticketId];
  }

  return { of, follow, clear };
});
