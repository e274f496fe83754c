// What an agent does to a ticket. Shown at once, told to the server, and taken back when it refuses.
import { useI18n } from "vue-i18n";
import { api, ask } from "@/api/client";
import type { Ticket } from "@/contract/types";
import { useLive } from "@/stores/live";
import { useToasts } from "@/stores/toasts";

type Patch = Partial<Pick<Ticket, "status" | "assignee_id" | "queue_id" | "priority" | "subject" | "tags" | "snoozed_until" | "next_step" | "reason_id">>;

export function useTicketActions() {
  const live = useLive();
  const toasts = useToasts();
  const { t } = useI18n();

  /** Whether it was done. `handover`: what whoever gets the ticket should know. */
  async function change(ticket: Ticket, patch: Patch, handover = ""): Promise<boolean> {
    live.remember([{ ...ticket, ...patch }]);
    try {
      const params = { path: { ticket_id: ticket.id } };
      const changed = await ask(api.PATCH("/api/v1/tickets/{ticket_id}", { params, body: handover ? { ...patch, handover } : patch }));
      live.remember([changed]);
      return true;
    } catch (error) {
      live.remember([ticket]);
      toasts.failed(error);
      return false;
    }
  }

  async function toggleResolved(ticket: Ticket): Promise<void> {
    const before = ticket.status;
    const status = before === "resolved" || before === "closed" ? "open" : "resolved";
    if (!(await change(ticket, { status }))) return;
    toasts.show(t(`status.${status}`), { action: { label: t("composer.undo"), run: () => void change({ ...ticket, status }, { status: before }) } });
  }

  return { change, toggleResolved };
}
