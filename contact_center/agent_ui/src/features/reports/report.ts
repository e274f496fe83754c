// What a report is asked for, which columns it has, and how its numbers are said. What a figure is stands in the registry.
import { useI18n } from "vue-i18n";
import { ref } from "vue";
import { api, ask } from "@/api/client";
import type { FigureInfo, ReportRow } from "@/contract/types";

export const ABOUTS = ["work", "resolution", "handling", "sla", "survey"] as const;
export const PAGES = [...ABOUTS, "agents", "missed"] as const;
export type About = (typeof ABOUTS)[number];
export type By = "queue" | "agent" | "channel" | "reason" | "policy" | "interval" | "hour";
export const BYS: Record<About, By[]> = {
  work: ["queue", "agent", "channel", "reason", "interval", "hour"],
  resolution: ["queue", "agent", "channel", "reason", "interval", "hour"],
  handling: ["queue", "agent", "channel", "reason", "interval"],
  sla: ["queue", "policy", "channel", "interval"],
  survey: ["queue", "agent", "channel", "interval"],
};

export interface Asked {
  since: string;
  until: string;
  about: About | "day" | "now";
  by: By;
  step: "15m" | "30m" | "hour" | "day" | "week" | "month";
  timezone: string;
  queue_id?: number;
  agent_id?: number;
  channel?: string;
  reason_id?: number;
  policy_id?: number;
  medium?: "text" | "voice";
  hour?: string;
  language: "en" | "ru";
}

/** What is shown until somebody chooses otherwise. */
const USUAL: Record<About, string[]> = {
  work: [
    "volume.entered", "volume.transferred_in", "volume.answered", "volume.abandoned", "service_level.async", "asa.median", "asa.p90", "first_response.median",
    "volume.settled", "volume.transferred", "volume.overflowed", "volume.open", "volume.open_over_target", "repeat_contact", "rona",
  ],
  resolution: ["resolution.resolved", "resolution.reopened", "resolution.reopen_rate", "resolution.median", "resolution.p90", "resolution.business.median", "fcr"],
  handling: ["handling.handled", "aht", "aht.talk", "aht.hold", "aht.focus", "aht.wrap", "handling.not_given"],
  sla: ["sla.first_response", "sla.first_response.broken", "sla.next_response", "sla.next_response.broken", "sla.resolution", "sla.resolution.broken", "sla.running"],
  survey: ["survey.sent", "survey.answered", "survey.response_rate", "csat", "nps", "ces"],
};
/** Of calls, by the standard of telephony. */
const VOICE = ["volume.entered", "volume.answered", "volume.abandoned", "volume.abandoned_short", "abandonment", "service_level.standard", "asa", "asa.median", "asa.p90", "volume.overflowed", "volume.callback", "volume.open", "volume.after_hours", "repeat_contact"];
export const PERIODS = ["today", "yesterday", "week", "days7", "days30", "month", "last_month"] as const;
export const STEPS = ["15m", "30m", "hour", "day", "week", "month"] as const;

const STORED = "cc.report_columns";

/** Columns that somebody chose for a kind of report, in this browser; none: the usual ones. */
export function chosen(kind: string): string[] | null {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "{}")[kind];
    return Array.isArray(found) && found.length ? found : null;
  } catch {
    return null;
  }
}
export function choose(kind: string, ids: string[] | null): void {
  let all: Record<string, string[]> = {};
  try {
    all = JSON.parse(localStorage.getItem(STORED) ?? "{}");
  } catch {
    // what was kept there is unreadable: it is written anew
  }
  if (ids) all[kind] = ids;
  else delete all[kind];
  localStorage.setItem(STORED, JSON.stringify(all));
}
export const usual = (about: About, medium?: string) => (about === "work" && medium === "voice" ? VOICE : USUAL[about]);

/** The reader's own days, weeks from Monday on. A period that is not over ends with today. */
export function period(name: string): { since: string; until: string } {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const day = (offset: number) => new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + offset);
  const first = (offset: number) => new Date(midnight.getFullYear(), midnight.getMonth() + offset, 1);
  const ends: Record<string, [Date, Date]> = {
    today: [midnight, day(1)], yesterday: [day(-1), midnight], week: [day(-((midnight.getDay() + 6) % 7)), day(1)], days7: [day(-6), day(1)],
    days30: [day(-29), day(1)], month: [first(0), day(1)], last_month: [first(-1), first(0)],
  };
  const [since, until] = ends[name] ?? ends.today!;
  return { since: since.toISOString(), until: until.toISOString() };
}

// What figures are does not change while a page is open: the registry is fetched once.
const registry = ref<FigureInfo[]>([]);
let coming: Promise<void> | null = null;
export function useRegistry() {
  const load = () => (coming ??= ask(api.GET("/api/v1/figures")).then((found) => void (registry.value = found), (error) => ((coming = null), Promise.reject(error))));
  return { registry, load };
}

export function useFigures() {
  const { locale } = useI18n();

  function seconds(value: number): string {
    const [amount, unit] = value < 60 ? [value, "second"] : value < 3600 ? [value / 60, "minute"] : value < 172_800 ? [value / 3600, "hour"] : [value / 86_400, "day"];
    return new Intl.NumberFormat(locale.value, { style: "unit", unit, maximumFractionDigits: amount < 10 && unit !== "second" ? 1 : 0 }).format(amount);
  }
  const share = (value: number | null | undefined) => (value === null || value === undefined ? "–" : new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 1 }).format(value));
  const percent = (value: number | null | undefined) => (value === null || value === undefined ? "–" : new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 0 }).format(value));
  const number = (value: number, digits = 0) => new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits }).format(value);
  /** A dash where there is nothing to divide by. */
  function amount(found: number | null | undefined, unit: string): string {
    if (found === null || found === undefined) return "–";
    return unit === "share" ? share(found) : unit === "seconds" ? seconds(found) : number(found, unit === "score" ? 1 : 0);
  }
  const value = (row: ReportRow, figure: FigureInfo) => amount(row.figures[figure.id], figure.unit);
  const word = (figure: FigureInfo) => (locale.value === "ru" ? figure.ru : figure.en);
  const how = (figure: FigureInfo) => `${word(figure)} = ${locale.value === "ru" ? figure.words_ru : figure.words_en}`;
  /** Where an interval begins, as precisely as its length needs. */
  function moment(key: string, step: string): string {
    const at = new Date(key);
    const dated: Intl.DateTimeFormatOptions = step === "month" ? { month: "long", year: "numeric" } : { weekday: "short", day: "numeric", month: "short" };
    const timed: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
    return new Intl.DateTimeFormat(locale.value, ["day", "week", "month"].includes(step) ? dated : timed).format(at);
  }
  /** A day of the week: 0 is Monday. */
  const weekday = (day: number, style: "short" | "long" = "short") => new Intl.DateTimeFormat(locale.value, { weekday: style, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + day)));
  return { value, amount, word, how, moment, weekday, seconds, share, percent, number };
}
