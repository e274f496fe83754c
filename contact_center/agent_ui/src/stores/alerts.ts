// Tells somebody who looks elsewhere that a customer wrote: a desktop notification, a short sound. Never takes the focus,
// never touches a draft, and a burst is one alert.
import { defineStore } from "pinia";
import { watch } from "vue";
import { useI18n } from "vue-i18n";
import { useRouter } from "vue-router";
import { api, ask } from "@/api/client";
import type { Alert, Ticket } from "@/contract/types";
import { useFigures, useRegistry } from "@/features/reports/report";
import type { News } from "@/live/state";
import { useLive } from "@/stores/live";
import { usePrefs } from "@/stores/prefs";
import { useToasts } from "@/stores/toasts";
import { useWords } from "@/ui/words";

const QUIET = 3000; // milliseconds between two sounds

export const useAlerts = defineStore("alerts", () => {
  const live = useLive();
  const { prefs } = usePrefs();
  const { t } = useI18n();
  const say = useWords();
  const router = useRouter();
  const toasts = useToasts();
  const figures = useFigures();
  let sounded = 0;

  function start(): void {
    watch(() => live.latest, (events) => hear(events));
  }

  function hear(events: News[]): void {
    for (const { type, data } of events) if (type === "alert.began" || type === "alert.ended") void figured(type, data.alert);
    if (prefs.notify === "off") return;
    for (const { type, data } of events) if (type === "ticket.at_risk" || type === "ticket.overdue") promised(type, data.ticket);
    if (events.some(({ type, data }) => type === "notice.changed" && !data.notice.read && data.notice.kind !== "news")) void told();
    const written = new Map<number, Ticket>();
    for (const { type, data } of events) if (type === "ticket.created" || type === "ticket.changed") consider(data.ticket, data.before ?? null, written);
    if (!written.size) return;
    if (prefs.sound) sound();
    if (document.hasFocus() || !("Notification" in window) || Notification.permission !== "granted") return;
    const [ticket] = written.values();
    if (ticket) show(ticket, written.size);
  }

  const { registry, load } = useRegistry();
  /** A figure stands beyond its threshold, or is well again: those who are to be told hear of it whatever they do. */
  async function figured(type: "alert.began" | "alert.ended", alert: Alert): Promise<void> {
    await load().catch(() => undefined);
    const figure = registry.value.find((each) => each.id === alert.figure);
    const value = alert.firing ? figures.amount(alert.firing.value, figure?.unit ?? "count") : "";
    const queue = alert.queue_id ? (live.state.queues[alert.queue_id]?.name ?? "") : t("reports.wholeCentre");
    const where = alert.medium ? `${queue}, ${t(`reports.media.${alert.medium}`)}` : queue;
    const began = type === "alert.began";
    toasts.show(t(`reports.${began ? "began" : "ended"}`, { figure: figure ? figures.word(figure) : alert.figure, value, where }), { news: true, lasts: began ? 20_000 : 8000, action: { label: t("reports.look"), run: () => void router.push(live.can("board") ? "/board" : `/queues/${alert.queue_id}`) } });
    if (began && (alert.sound || prefs.sound)) sound();
  }

  /** A promise is about to be broken, or is: whoever has the ticket is told, and of those nobody has whoever asked to hear of them. */
  function promised(type: "ticket.at_risk" | "ticket.overdue", ticket: Ticket): void {
    if (ticket.assignee_id !== live.me?.user.id && !(ticket.assignee_id === null && prefs.notify === "all")) return;
    if (Date.now() - Date.parse(ticket.updated_at) > 7 * 86400_000) return;
    const open = () => void router.push({ name: "tickets", params: { view: "open", ticket: ticket.id } });
    toasts.show(t(`sla.${type === "ticket.at_risk" ? "risk" : "missed"}`, { number: ticket.number, name: say.value.name(ticket.contact) }), { news: true, lasts: 12_000, action: { label: t("sla.see"), run: open } });
    if (prefs.sound) sound();
    if (!document.hasFocus() && "Notification" in window && Notification.permission === "granted") show(ticket, 1);
  }

  /** Somebody mentioned this person, or one of their customers was not content: said once, wherever they look. */
  async function told(): Promise<void> {
    const page = await ask(api.GET("/api/v1/me/notices", { params: { query: { limit: 1 } } })).catch(() => null);
    const line = page?.items[0];
    if (!line || line.read || line.kind === "news") return;
    const who = line.actor_id ? (live.state.users[line.actor_id]?.name ?? "?") : t("desk.customer");
    const words = t(`desk.alert.${line.kind}`, { who, number: line.ticket.number });
    const open = () => void router.push({ name: "tickets", params: { view: "all", ticket: line.ticket_id } });
    if (router.currentRoute.value.params["ticket"] !== String(line.ticket_id)) toasts.show(words, { news: true, lasts: 10_000, action: { label: t("sla.see"), run: open } });
    if (prefs.sound) sound();
    if (document.hasFocus() || !("Notification" in window) || Notification.permission !== "granted") return;
    const note = new Notification(words, { body: line.ticket.subject, tag: `notice-${line.id}`, silent: true });
    note.onclick = () => (window.focus(), open(), note.close());
  }

  /** Something is offered to this person, and does not wait long: it is heard whatever else is switched off but the sound. */
  function offered(ticket: Ticket): void {
    if (prefs.sound) sound();
    if (document.hasFocus() || !("Notification" in window) || Notification.permission !== "granted") return;
    show(ticket, 1);
  }

  function consider(ticket: Ticket, before: { status: string } | null, written: Map<number, Ticket>): void {
    const fresh = ticket.waiting_since !== null && ticket.last_entry?.direction === "in" && Date.now() - Date.parse(ticket.updated_at) < 60_000;
    const mine = ticket.assignee_id === live.me?.user.id;
    const wanted = mine || (prefs.notify === "all" && ticket.assignee_id === null);
    if (fresh && wanted && (before === null || before.status !== "open" || mine)) written.set(ticket.id, ticket);
  }

  function show(ticket: Ticket, count: number): void {
    const title = count > 1 ? t("alerts.several", { n: count }, count) : (ticket.contact.name ? say.value.name(ticket.contact) : t("entry.unknown"));
    const note = new Notification(title, { body: count > 1 ? "" : `${say.value.subject(ticket)}\n${say.value.preview(ticket.last_entry)}`, tag: count > 1 ? "several" : `ticket-${ticket.id}`, silent: true });
    note.onclick = () => {
      window.focus();
      if (count === 1) void router.push({ name: "tickets", params: { view: "open", ticket: ticket.id } });
      note.close();
    };
  }

  /** Two soft tones, made here: nothing is loaded. */
  function sound(): void {
    if (Date.now() - sounded < QUIET) return;
    sounded = Date.now();
    const audio = new AudioContext();
    const gain = audio.createGain();
    gain.connect(audio.destination);
    gain.gain.setValueAtTime(0.0001, audio.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.12, audio.currentTime + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.45);
    for (const [pitch, at] of [[660, 0], [880, 0.13]] as const) {
      const tone = audio.createOscillator();
      tone.frequency.value = pitch;
      tone.connect(gain);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.3);
    }
    setTimeout(() => void audio.close(), 800);
  }

  /** Ask the browser, which only a person's own click may do. */
  async function allow(): Promise<void> {
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  }

  return { start, allow, sound, offered };
});
