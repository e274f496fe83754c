// Carrying out actions: what would happen in words, doing it, and taking it back where that is possible.
import { useI18n } from "vue-i18n";
import { api, ask, newKey } from "@/api/client";
import { inTurn } from "@/api/turns";
import type { Performed } from "@/contract/types";
import { useLive } from "@/stores/live";
import { useToasts, type Show } from "@/stores/toasts";
import { useFormat } from "@/ui/format";
import type { Action } from "./rules";

type Effect = Performed["effects"][number];
export type Wanted = { actions: Action[] } | { macro_id: number };

export function usePerforming() {
  const live = useLive();
  const toasts = useToasts();
  const format = useFormat();
  const { t, te } = useI18n();

  function named(field: string, value: unknown): string {
    if (value === null || value === undefined || value === "") return field === "assignee_id" ? t("ticket.unassigned") : "—";
    if (field === "assignee_id") return live.state.users[value as number]?.name ?? String(value);
    if (field === "queue_id") return live.state.queues[value as number]?.name ?? String(value);
    if (field === "reason_id") return live.state.contactReasons.find((reason) => reason.id === value)?.name ?? String(value);
    if (field === "tags") return (value as string[]).join(", ") || "—";
    if (field === "snoozed_until") return format.value.full(String(value));
    return te(`${field}.${String(value)}`) ? t(`${field}.${String(value)}`) : String(value);
  }
  const told = (effect: Effect): { name: string; before: string; after: string } => ({
    name: t(`actions.effect.${effect.field}`),
    before: effect.field === "note" || effect.field === "reply" ? "" : named(effect.field, effect.before),
    after: named(effect.field, effect.after),
  });

  const preview = (ticketId: number, wanted: Wanted) => ask(api.POST("/api/v1/tickets/{ticket_id}/actions/preview", { params: { path: { ticket_id: ticketId } }, body: wanted as never }));

  async function undo(done: Performed): Promise<void> {
    try {
      // First the reply: whether it can be called back decides how the ticket stands.
      for (const effect of done.effects) if (effect.field === "reply" && effect.entry_id) await ask(api.POST("/api/v1/entries/{entry_id}/call-back", { params: { path: { entry_id: effect.entry_id } } }));
      const fields = done.effects.filter((effect) => effect.field !== "reply" && effect.field !== "note");
      const body = Object.fromEntries(fields.map((effect) => [effect.field, effect.before ?? null]));
      if (fields.length) live.remember([await ask(api.PATCH("/api/v1/tickets/{ticket_id}", { params: { path: { ticket_id: done.ticket.id } }, body: body as never }))]);
    } catch (error) {
      toasts.failed(error);
    }
  }

  /** Whether it was done. One undo takes back what can be: a note stays, and a reply only as long as it waits. */
  const run = (ticketId: number, name: string, wanted: Wanted) => toasts.during((show) => runNow(show, ticketId, name, wanted));
  async function runNow(show: Show, ticketId: number, name: string, wanted: Wanted): Promise<boolean> {
    try {
      const headers = { "Idempotency-Key": newKey() };
      const done = await inTurn(ticketId, () => ask(api.POST("/api/v1/tickets/{ticket_id}/actions", { params: { path: { ticket_id: ticketId }, header: headers as never }, headers, body: wanted as never })));
      live.remember([done.ticket]);
      const stays = done.effects.some((effect) => effect.field === "note");
      const can = done.effects.some((effect) => effect.field !== "note");
      show(done.effects.length ? name : t("macro.nothing", { name }), { small: stays ? t("macro.noteStays") : undefined, action: can ? { label: t("composer.undo"), run: () => void undo(done) } : undefined });
      return true;
    } catch (error) {
      toasts.failed(error);
      return false;
    }
  }
  return { told, preview, run };
}
