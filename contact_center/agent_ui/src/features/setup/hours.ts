// Opening hours as they are edited: times as typed, put right when somebody leaves the field.
import type { Hours } from "@/contract/types";

export type Span = [string, string];
export interface Exception {
  id: number;
  date: string;
  spans: Span[];
}
export interface Draft {
  name: string;
  timezone: string;
  holidays: string;
  weekly: Span[][];
  exceptions: Exception[];
}

let ids = 0;
const copyOf = (spans: readonly (readonly string[])[]): Span[] => spans.map(([from, until]) => [from ?? "", until ?? ""]);

export const newException = (date: string): Exception => ({ id: ids++, date, spans: [] });

export function asDraft(name: string, hours: Hours): Draft {
  const exceptions = Object.entries(hours.overrides).map(([date, spans]) => ({ id: ids++, date, spans: copyOf(spans) }));
  return { name, timezone: hours.timezone, holidays: hours.holidays, weekly: hours.weekly.map(copyOf), exceptions: exceptions.sort((a, b) => a.date.localeCompare(b.date)) };
}

export function ordinary(): Draft {
  const office = (): Span[] => [["09:00", "18:00"]];
  const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  return { name: "", timezone, holidays: timezone === "Europe/Moscow" ? "RU" : "", weekly: [office(), office(), office(), office(), office(), [], []], exceptions: [] };
}

export function asHours(draft: Draft): Hours {
  const sorted = (spans: Span[]): Span[] => [...spans].sort((a, b) => a[0].localeCompare(b[0]));
  const overrides = Object.fromEntries(draft.exceptions.filter((one) => one.date).map((one) => [one.date, sorted(one.spans)]));
  return { timezone: draft.timezone, holidays: draft.holidays, weekly: draft.weekly.map(sorted), overrides };
}

/** "9", "930", "9.30" and "09:30" all mean a time of day; what means none stays as it is. */
export function asClock(typed: string): string {
  const digits = typed.trim().replace(/[.,\s-]/g, ":");
  const parts = /^(\d{1,2}):?(\d{2})?$/.exec(digits);
  const [hour, minute] = [Number(parts?.[1]), Number(parts?.[2] ?? 0)];
  if (!parts || minute > 59 || hour > 24 || (hour === 24 && minute)) return typed.trim();
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

export const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** What is wrong with the hours of a day, as the name of a message; empty when nothing is. */
export function wrong(spans: Span[]): "" | "notATime" | "endsBefore" | "overlaps" {
  if (spans.some((span) => span.some((clock) => !/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(clock)))) return "notATime";
  if (spans.some(([from, until]) => minutes(from) >= minutes(until))) return "endsBefore";
  const sorted = [...spans].sort((a, b) => minutes(a[0]) - minutes(b[0]));
  return sorted.some((span, n) => n > 0 && minutes(span[0]) < minutes(sorted[n - 1]![1])) ? "overlaps" : "";
}
