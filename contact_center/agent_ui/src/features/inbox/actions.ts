// What an agent does to a ticket. Shown at once, told to the server, and taken back when it refuses.
import { useI18n } from "vue-i18n";
import { api, ask } from "@/api/client";
import { inTurn } from "@/api/turns";
import type { Ticket } from "@/contract/types";
import { useLive } from "@/stores/live";
import { useToasts } from "@/stores/toasts";
import { useFormat } from "@/ui/format";

type Patch = Partial<Pick<Ticket, "status" | "assignee_id" | "queue_id" | "priority" | "subject" | "tags" | "snoozed_until" | "next_step" | "reason_id">>;

export function useTicketActions() {
  const live = useLive();
  const toasts = useToasts();
  const { t } = useI18n();
  const format = useFormat();

  /** Whether it was done. `handover`: what whoever gets the ticket should know. */
  async function change(ticket: Ticket, patch: Patch, handover = ""): Promise<boolean> {
    live.remember([{ ...ticket, ...patch }]);
    try {
      const params = { path: { ticket_id: ticket.id } };
      const changed = await inTurn(ticket.id, () => {
        live.remember([{ ...(live.state.tickets[ticket.id] ?? ticket), ...patch }]); // what came before may have been answered meanwhile
        return ask(api.PATCH("/api/v1/tickets/{ticket_id}", { params, body: handover ? { ...patch, handover } : patch }));
      });
      live.remember([changed]);
      return true;
    } catch (error) {
      live.remember([ticket]);
      toasts.failed(error);
      return false;
    }
  }

  const toggleResolved = (ticket: Ticket) => toasts.during(async (show) => {
    const before = ticket.status;
    const status = before === "resolved" || before === "closed" ? "open" : "resolved";
    if (!(await change(ticket, { status }))) return;
    // What is done has no next step: taken back, it has it again, and waits until when it had been put off.
    const back = { status: before, ...(ticket.next_step && { next_step: ticket.next_step }), ...(ticket.snoozed_until && { snoozed_until: ticket.snoozed_until }) };
    show(t(`status.${status}`), { action: { label: t("composer.undo"), run: () => void change({ ...ticket, status }, back) } });
  });

  const putOff = (ticket: Ticket, patch: { snoozed_until: string; next_step: string }) => toasts.during(async (show) => {
    if (!(await change(ticket, patch))) return;
    const back = { status: ticket.status, snoozed_until: ticket.snoozed_until ?? null, next_step: ticket.next_step };
    show(t("snooze.until", { time: format.value.moment(patch.snoozed_until) }), { action: { label: t("composer.undo"), run: () => void change({ ...ticket, ...patch }, back) } });
  });

  return { change, toggleResolved, putOff };
}
