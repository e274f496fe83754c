// What stands beside the ticket on screen: drafts, a note of hand-over, who watches, which tickets belong together. Read when
// the ticket is opened and whenever the news say that it changed. Opening a ticket reads what one was told of it.
import { defineStore } from "pinia";
import { computed, shallowRef, watch } from "vue";
import { api, ask } from "@/api/client";
import type { Desk } from "@/contract/types";
import { useDrafts } from "@/stores/drafts";
import { useLive } from "@/stores/live";

export const useDesk = defineStore("desk", () => {
  const live = useLive();
  const drafts = useDrafts();
  const desk = shallowRef<Desk | null>(null);
  let wanted: number | null = null;
  watch(() => live.me?.user.id, (id) => id !== undefined && drafts.belongTo(id), { immediate: true });
  const watching = computed(() => !!desk.value && !!live.me && desk.value.watcher_ids.includes(live.me.user.id));

  async function open(ticketId: number): Promise<void> {
    if (wanted !== null && wanted !== ticketId) void drafts.push(wanted);
    wanted = ticketId;
    if (desk.value?.ticket_id !== ticketId) desk.value = null;
    await load();
    read();
  }

  function close(): void {
    if (wanted !== null) void drafts.push(wanted);
    wanted = desk.value = null;
  }

  async function load(): Promise<void> {
    const id = wanted;
    if (id === null) return;
    const found = await ask(api.GET("/api/v1/tickets/{ticket_id}/desk", { params: { path: { ticket_id: id } } })).catch(() => null);
    if (wanted !== id || !found) return;
    desk.value = found;
    drafts.meet(found);
  }

  /** What one was told of the ticket is read as soon as one looks at it. */
  function read(): void {
    if (wanted === null || document.visibilityState !== "visible" || !Object.values(live.state.notices).some((notice) => notice.ticket_id === wanted)) return;
    void ask(api.POST("/api/v1/me/notices/read", { body: { ticket_id: wanted } })).catch(() => undefined);
  }

  watch(() => live.latest, (events) => {
    if (events.some(({ type, data }) => type === "desk.changed" && data.ticket_id === wanted)) void load();
    if (events.some(({ type, data }) => type === "notice.changed" && data.notice.ticket_id === wanted)) read();
  });
  watch(() => live.connection, (now) => now === "live" && void load());
  document.addEventListener("visibilitychange", read);

  async function toggleWatch(ticketId: number): Promise<boolean> {
    const params = { path: { ticket_id: ticketId } };
    const was = watching.value;
    await (was ? ask(api.DELETE("/api/v1/tickets/{ticket_id}/watch", { params })) : ask(api.PUT("/api/v1/tickets/{ticket_id}/watch", { params })));
    return !was;
  }

  return { desk, watching, open, close, toggleWatch };
});
