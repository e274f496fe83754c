// Times, sizes and names as people read them, in their language and zone.
import { computed, onScopeDispose, ref, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";

const now = ref(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** The clock of the page: moves every 15 seconds while somebody looks at it. */
export function useNow(): typeof now {
  if (users++ === 0) timer = setInterval(() => (now.value = Date.now()), 15000);
  onScopeDispose(() => --users === 0 && clearInterval(timer));
  now.value = Date.now();
  return now;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60],
];
const UNITS: Record<string, { en: string; ru: string }> = {
  year: { en: "y", ru: "г" }, month: { en: "mo", ru: "мес" }, day: { en: "d", ru: "д" }, hour: { en: "h", ru: "ч" }, minute: { en: "min", ru: "мин" },
};

export interface Format {
  /** "5 min", "3 h": how long something lasts, short. */
  span(since: string): string;
  /** "5 min", "3 h": how long it is until then. */
  left(until: string): string;
  /** "4 h 30 min": a length of time, as people also type it. */
  lasting(seconds: number): string;
  /** "5 min ago". */
  ago(at: string): string;
  /** Time of day, or the date when it was another day: for rows. */
  short(at: string): string;
  /** The time of today, else the day and the time. */
  moment(at: string): string;
  time(at: string): string;
  day(at: string): string;
  full(at: string): string;
  size(bytes: number): string;
  /** "1:05" or "1:02:03": how long a call lasted. */
  duration(seconds: number): string;
}

export function useFormat(): ComputedRef<Format> {
  const { locale, t } = useI18n();
  const clock = useNow();
  return computed(() => make(locale.value, clock.value, t));
}

function make(language: string, present: number, t: (key: string) => string): Format {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, options);
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const date = format({ day: "numeric", month: "short" });
  const dated = format({ day: "numeric", month: "short", year: "numeric" });
  const whole = format({ dateStyle: "full", timeStyle: "medium" });
  const long = format({ weekday: "long", day: "numeric", month: "long" });
  const longDated = format({ day: "numeric", month: "long", year: "numeric" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const today = new Date(present).toDateString();
  const yesterday = new Date(present - 86400000).toDateString();
  const year = new Date(present).getFullYear();

  const unit = (name: string): string => UNITS[name]![language === "ru" ? "ru" : "en"];
  function step(at: string, until = present): [Intl.RelativeTimeFormatUnit, number] | null {
    const seconds = Math.max(0, (until - Date.parse(at)) / 1000);
    for (const [unit, size] of STEPS) if (seconds >= size) return [unit, Math.floor(seconds / size)];
    return null;
  }
  return {
    span(since) {
      const found = step(since);
      return found ? `${found[1]} ${unit(found[0])}` : `< 1 ${unit("minute")}`;
    },
    left(until) {
      const found = step(new Date(present).toISOString(), Date.parse(until));
      return found ? `${found[1]} ${unit(found[0])}` : `< 1 ${unit("minute")}`;
    },
    lasting(seconds) {
      const [hours, minutes] = [Math.floor(seconds / 3600), Math.round((seconds % 3600) / 60)];
      return [hours ? `${hours} ${unit("hour")}` : "", minutes || !hours ? `${minutes} ${unit("minute")}` : ""].filter(Boolean).join(" ");
    },
    ago(at) {
      const found = step(at);
      return found ? relative.format(-found[1], found[0]) : t("time.now");
    },
    short(at) {
      const moment = new Date(at);
      if (moment.toDateString() === today) return clock.format(moment);
      return moment.getFullYear() === year ? date.format(moment) : dated.format(moment);
    },
    moment(at) {
      return new Date(at).toDateString() === today ? clock.format(new Date(at)) : `${this.short(at)}, ${clock.format(new Date(at))}`;
    },
    time: (at) => clock.format(new Date(at)),
    day(at) {
      const moment = new Date(at);
      if (moment.toDateString() === today) return t("entry.today");
      if (moment.toDateString() === yesterday) return t("entry.yesterday");
      return moment.getFullYear() === year ? long.format(moment) : longDated.format(moment);
    },
    full: (at) => whole.format(new Date(at)),
    duration(seconds) {
      const [all, two] = [Math.max(0, Math.round(seconds)), (value: number) => String(value).padStart(2, "0")];
      const [hours, minutes] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60)];
      return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
    },
    size(bytes) {
      const [value, unit] = bytes >= 1048576 ? [bytes / 1048576, "megabyte"] : bytes >= 1024 ? [bytes / 1024, "kilobyte"] : [bytes, "byte"];
      return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: unit === "byte" ? "narrow" : "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
    },
  };
}

/** Up to two letters for an avatar. */
export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, " ").trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")).toUpperCase();
}
