// Why an item could not be read, in plain words, and what of an original is worth writing down.

/** The server's reason to a key under `quarantine.why`. */
export function why(reason: string): "slow" | "memory" | "stumbled" | "storing" | "strange" {
  if (reason.includes("took longer than")) return "slow";
  if (reason.includes("needs more memory")) return "memory";
  if (reason.startsWith("The item could not be understood:")) return "stumbled";
  if (/^[A-Z]\w*(Error|Exception|Invalid|Failed)\b/.test(reason)) return "storing";
  return "strange";
}

const HEADER = /^[!-9;-~]+:/; // a mail begins with its headers

/** The text of an original without a mail's headers, to begin a form with. */
export function textOf(original: string): string {
  const text = original.replaceAll("\r\n", "\n");
  const end = HEADER.test(text) ? text.indexOf("\n\n") : -1;
  return text.slice(end < 0 ? 0 : end + 2).trim().slice(0, 8000);
}
