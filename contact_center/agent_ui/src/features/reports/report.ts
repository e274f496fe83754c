// What a report is asked for, which columns it has, and how its numbers are said.
import { useI18n } from "vue-i18n";
import type { ReportRow, Tallies } from "@/contract/types";

export interface Asked {
  since: string;
  until: string;
  by: "queue" | "agent" | "channel" | "interval";
  step: "15m" | "30m" | "hour" | "day" | "week" | "month";
  timezone: string;
  queue_id?: number;
  agent_id?: number;
  channel?: string;
  language: "en" | "ru";
}

/** A column shows a figure of the registry, or a wait. Where it counts turns, its number opens into them. */
export interface Column {
  name: string;
  figure?: string;
  tally?: Extract<keyof Tallies, "entered" | "transferred_in" | "answered" | "settled" | "transferred" | "overflowed" | "merged" | "open" | "open_over_target">;
}

export const columns: Column[] = [
  { name: "entered", figure: "volume.entered", tally: "entered" },
  { name: "passed_in", figure: "volume.transferred_in", tally: "transferred_in" },
  { name: "answered", figure: "volume.answered", tally: "answered" },
  { name: "level", figure: "service_level.async" },
  { name: "median", figure: "asa.median" },
  { name: "p90", figure: "asa.p90" },
  { name: "asa", figure: "asa" },
  { name: "settled", figure: "volume.settled", tally: "settled" },
  { name: "transferred", figure: "volume.transferred", tally: "transferred" },
  { name: "overflowed", figure: "volume.overflowed", tally: "overflowed" },
  { name: "open", figure: "volume.open", tally: "open" },
  { name: "overdue", figure: "volume.open_over_target", tally: "open_over_target" },
  { name: "rona", figure: "rona" },
];
export const PERIODS = ["today", "yesterday", "week", "days7", "days30", "month", "last_month"] as const;
export const STEPS = ["15m", "30m", "hour", "day", "week", "month"] as const;

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

export function useFigures() {
  const { locale } = useI18n();

  function seconds(value: number): string {
    const [amount, unit] = value < 60 ? [value, "second"] : value < 3600 ? [value / 60, "minute"] : value < 172_800 ? [value / 3600, "hour"] : [value / 86_400, "day"];
    return new Intl.NumberFormat(locale.value, { style: "unit", unit, maximumFractionDigits: amount < 10 && unit !== "second" ? 1 : 0 }).format(amount);
  }
  /** A dash where there is nothing to divide by. */
  function value(row: ReportRow, column: Column): string {
    const found = column.figure ? row.figures[column.figure] : row.tallies[column.tally!];
    if (found === null || found === undefined) return "–";
    if (column.name === "level" || column.name === "rona") return new Intl.NumberFormat(locale.value, { style: "percent", maximumFractionDigits: 1 }).format(found);
    if (column.name === "median" || column.name === "p90" || column.name === "asa") return seconds(found);
    return new Intl.NumberFormat(locale.value).format(found);
  }
  /** Where an interval begins, as precisely as its length needs. */
  function moment(key: string, step: string): string {
    const at = new Date(key);
    const dated: Intl.DateTimeFormatOptions = step === "month" ? { month: "long", year: "numeric" } : { weekday: "short", day: "numeric", month: "short" };
    const timed: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
    return new Intl.DateTimeFormat(locale.value, ["day", "week", "month"].includes(step) ? dated : timed).format(at);
  }
  return { value, moment };
}
