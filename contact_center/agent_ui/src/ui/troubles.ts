// A trouble of a channel in the words of whoever reads. The server keeps it as a sentence of its own, with values in it.
import { i18n } from "@/i18n";
import russian, { values } from "@/i18n/troubles.ru";

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const known = russian.map(([sentence, words]) => [new RegExp(`^${sentence.split("{}").map(escaped).join("([\\s\\S]*?)")}$`), words] as const);

function one(text: string): string | null {
  for (const [pattern, words] of known) {
    const found = pattern.exec(text);
    if (!found) continue;
    let at = 0;
    return words.replace(/\{\}/g, () => values.reduce((value, [foreign, ours]) => value.replace(foreign, ours), found[++at] ?? ""));
  }
  return null;
}

/** The trouble in the reader's language, or as the server tells it where it says something that nobody foresaw. */
export function trouble(text: string): string {
  if (i18n.global.locale.value !== "ru" || !text) return text;
  return one(text) ?? text.split("; ").map((part) => one(part) ?? part).join("; ");
}
