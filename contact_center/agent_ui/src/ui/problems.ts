// A refusal in the words of whoever reads: by the server's sentence where we know it, else by its kind.
import { Problem } from "@/api/client";
import { i18n } from "@/i18n";
import russian from "@/i18n/problems.ru";
import { trouble } from "./troubles";

export interface Worded {
  text: string;
  /** The technical words, for a second, smaller line; empty when the text says it all. */
  small: string;
}

/** The field a fault of a form belongs to, as the server names it: "address", or "options.imap_host". */
export interface Fault {
  field: string;
  text: string;
}

const { t, te } = i18n.global;
const russianSpeaks = () => i18n.global.locale.value === "ru";

export function worded(error: unknown): Worded {
  if (!(error instanceof Problem)) return { text: t("error.title"), small: error instanceof Error ? error.message : String(error) };
  const reason = `problem.${String(error.details["reason"] ?? "")}`;
  if (error.details["reason"] && te(reason, "en")) return { text: t(reason), small: trouble(error.message) };
  const kind = te(`problem.${error.code}`, "en") ? t(`problem.${error.code}`) : t("error.title");
  if (error.code === "offline" || error.code === "internal") return { text: kind, small: "" };
  const named = faults(error);
  if (error.code === "invalid" && named.length) return { text: kind, small: named.map(({ field, text }) => `${field}: ${text}`).join("; ") };
  if (!russianSpeaks()) return { text: error.message, small: "" };
  const known = russian[error.message] ?? (trouble(error.message) !== error.message ? trouble(error.message) : undefined);
  if (known) return { text: known, small: "" };
  // The plain sentence of a kind adds nothing to our own; any other one names particulars.
  return { text: kind, small: PLAIN.has(error.message) ? "" : error.message };
}

/** What the server said, where it comes as a sentence and not as a refusal of what was just asked. */
export const sentence = (message: string): string => (russianSpeaks() ? (russian[message] ?? trouble(message)) : message);

const PLAIN = new Set([
  "There is no such thing, or you may not see it.", "Your role does not allow this.", "Sign in first.", "The request cannot be understood.", "The thing is in a state that does not allow this.", "What you ask for was there and is not kept any more.",
  "Somebody changed this since you read it. Read it again, then repeat the change.", "The request did not arrive in time. Send it again.", "The request is larger than this server accepts.", "Too many attempts. Wait, then try again.", "The server cannot do this right now. Nothing was changed; try again.",
]);

interface Refused {
  loc?: (string | number)[];
  msg?: string;
  type?: string;
}

/** What is wrong with which field. */
export function faults(error: unknown): Fault[] {
  const list = error instanceof Problem && Array.isArray(error.details["errors"]) ? (error.details["errors"] as Refused[]) : [];
  const named = list.map(({ loc = [], msg = "", type = "" }) => ({ field: loc.slice(0, loc[0] === "options" ? 2 : 1).join("."), text: why(type, msg.replace(/^Value error, /, "")) }));
  const field = error instanceof Problem ? error.details["field"] : undefined;
  return named.length || typeof field !== "string" || error instanceof Problem && error.details["reason"] ? named : [{ field, text: russianSpeaks() ? (russian[(error as Problem).message] ?? (error as Problem).message) : (error as Problem).message }];
}

function why(type: string, message: string): string {
  const key = `problem.field.${type}`;
  return te(key, "en") && (russianSpeaks() || type === "missing") ? t(key) : message;
}
