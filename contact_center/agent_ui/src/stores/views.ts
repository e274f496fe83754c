// Saved views and macros, and how many tickets each view holds: counted anew when something happened, never more often than every few seconds.
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { api, ask } from "@/api/client";
import type { Macro, SavedView } from "@/contract/types";
import { useLive } from "./live";

const SETTLE = 700; // milliseconds in which several events become one question
const PAUSE = 3000;
const SHARE = 20; // and so many times as long as the last count took: where counting is slow it is done less often
const LINE = 500; // of it, that may have been the way there and back, which costs the server nothing
const LONGEST = 30_000;

export const useViews = defineStore("views", () => {
  const live = useLive();
  const views = ref<SavedView[]>([]);
  const macros = ref<Macro[]>([]);
  const counts = ref<Record<number, string>>({});
  let timer: ReturnType<typeof setTimeout> | undefined;
  let counted = 0;
  let missed = false;
  let pause = PAUSE;

  async function load(): Promise<void> {
    [views.value, macros.value] = await Promise.all([ask(api.GET("/api/v1/views")), ask(api.GET("/api/v1/macros"))]);
    await count();
  }

  async function count(): Promise<void> {
    if (document.hidden) return void (missed = true);
    missed = false;
    counted = Date.now();
    const found = await ask(api.GET("/api/v1/views/counts"));
    // A colleague has shared a view, or shares one no more.
    if (found.length !== views.value.length || found.some((each) => !find(each.view_id))) views.value = await ask(api.GET("/api/v1/views"));
    if (views.value.length) {
      counts.value = Object.fromEntries(found.map((each) => [each.view_id, each.more ? `${each.tickets}+` : each.tickets ? String(each.tickets) : ""]));
    }
    pause = Math.min(LONGEST, Math.max(PAUSE, SHARE * (Date.now() - counted - LINE)));
    await live.renewSaved();
  }

  function soon(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      count().catch(() => undefined); // the line says itself when the server is away; the next event asks again
    }, Math.max(SETTLE, counted + pause - Date.now()));
  }
  watch(() => live.latest, (events) => {
    if (events.some((news) => news.type.startsWith("ticket."))) soon();
  });
  addEventListener("visibilitychange", () => missed && !document.hidden && soon());

  const find = (id: number) => views.value.find((view) => view.id === id);
  /** What the command box asks of the page that shows a ticket. */
  const wish = ref<{ macro: Macro } | "macros" | "why" | "view" | null>(null);
  const shares = computed(() => live.can("board"));
  return { views, macros, counts, wish, load, soon, find, shares };
});
