// What a policy is made of, as the form edits it.
export const PRIORITIES = ["urgent", "high", "normal", "low"] as const;
export const GOALS = ["first_response", "next_response", "resolution"] as const;
export type Goal = (typeof GOALS)[number];
export type Priority = (typeof PRIORITIES)[number];
export type Targets = Partial<Record<Priority, Partial<Record<Goal, number>>>>;

export interface Draft {
  name: string;
  calendar_id: number | null;
  /** Seconds of business time. */
  targets: Targets;
  warn_percent: number;
  escalate_priority: Priority | null;
  escalate_queue_id: number | null;
}

/** What most centres begin with. */
export function ordinary(name: string): Draft {
  const hour = 3600;
  const targets: Targets = {
    urgent: { first_response: hour / 2, next_response: hour, resolution: 8 * hour },
    high: { first_response: hour, next_response: 2 * hour, resolution: 16 * hour },
    normal: { first_response: 4 * hour, next_response: 8 * hour, resolution: 40 * hour },
    low: { first_response: 8 * hour, next_response: 16 * hour, resolution: 80 * hour },
  };
  return { name, calendar_id: null, targets, warn_percent: 80, escalate_priority: null, escalate_queue_id: null };
}

/** "4h 30m", "90", "2h", "45m": minutes where nothing is said; null for what is no time, undefined for nothing. */
export function parsed(text: string): number | null | undefined {
  const words = text.trim().toLowerCase().replace(",", ".");
  if (!words) return undefined;
  const match = /^(?:(\d+(?:\.\d+)?)\s*(?:h|ч)[a-zа-я.]*)?\s*(?:(\d+)\s*(?:m|м)?[a-zа-я.]*)?$/.exec(words);
  if (!match || (match[1] === undefined && match[2] === undefined)) return null;
  const seconds = Math.round(Number(match[1] ?? 0) * 3600) + Number(match[2] ?? 0) * 60;
  return seconds >= 60 && seconds <= 366 * 86400 ? seconds : null;
}
