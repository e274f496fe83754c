// Who can be mentioned in a note, and who is: by the whole name after an "@".
import type { Ticket, User } from "@/contract/types";
import { serves } from "@/live/apply";

/** Colleagues who see the ticket, but for oneself. */
export function mentionable(users: User[], ticket: Ticket, me: number | undefined): User[] {
  const sees = (user: User) => user.role === "admin" || serves(user, ticket.queue_id) || ticket.assignee_id === user.id;
  return users.filter((user) => user.id !== me && !user.disabled && sees(user)).sort((a, b) => a.name.localeCompare(b.name));
}

/** What is being written after an "@" at the cursor; null: no name. */
export function nameAt(text: string, cursor: number): string | null {
  return /(?:^|[\s(])@([\p{L}\p{N}._-]*(?: [\p{L}\p{N}._-]*)?)$/u.exec(text.slice(0, cursor))?.[1] ?? null;
}

/** Everybody whom a text mentions, also those who may not see the ticket: the server refuses them, in words. */
export function mentioned(text: string, users: User[]): number[] {
  let rest = text;
  const found: number[] = [];
  // The longest names first: "@Ann" is not meant where "@Ann Lee" stands.
  for (const user of users.filter((each) => !each.disabled).sort((a, b) => b.name.length - a.name.length)) {
    const name = user.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`@${name}(?![\\p{L}\\p{N}])`, "gu");
    if (!pattern.test(rest)) continue;
    found.push(user.id);
    rest = rest.replace(pattern, "");
  }
  return found;
}
