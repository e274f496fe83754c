// Conditions and actions as the editors hold them. The server keeps the same lists (model/conditions.py, model/actions.py): a test compares them.
export type Kind = "choice" | "word" | "employee" | "number" | "tags" | "text" | "age" | "coming" | "flag";
export type Value = string[] | (string | number)[] | number | boolean | undefined;
export interface Test {
  field: string;
  op: string;
  value?: Value;
}
export interface Group {
  how: "all" | "any" | "none";
  parts: Node[];
}
export type Node = Test | Group;
export type Json = Record<string, unknown>;

export const FIELDS: Record<string, { kind: Kind; names?: "queue" | "organization" | "reason" | "channel" | "kind"; choices?: string[]; optional?: boolean }> = {
  status: { kind: "choice", choices: ["open", "waiting", "resolved", "closed"] },
  priority: { kind: "choice", choices: ["low", "normal", "high", "urgent"] },
  queue: { kind: "number", names: "queue" },
  assignee: { kind: "employee" },
  tags: { kind: "tags" },
  subject: { kind: "text" },
  waiting: { kind: "age", optional: true },
  created: { kind: "age" },
  updated: { kind: "age" },
  last_entry: { kind: "age" },
  due: { kind: "coming", optional: true },
  last_direction: { kind: "choice", choices: ["in", "out", "internal"] },
  last_kind: { kind: "word", names: "kind" },
  channel: { kind: "word", names: "channel" },
  organization: { kind: "number", names: "organization", optional: true },
  reason: { kind: "number", names: "reason", optional: true },
  provisional: { kind: "flag" },
  unproven: { kind: "flag" },
  follow_up: { kind: "flag" },
  snoozed: { kind: "flag" },
};
const OPERATORS: Record<Kind, string[]> = {
  choice: ["is", "is_not"],
  word: ["is", "is_not"],
  employee: ["is", "is_not"],
  number: ["is", "is_not"],
  tags: ["any_of", "all_of", "none_of", "empty", "filled"],
  text: ["contains", "lacks"],
  age: ["at_least", "less_than"],
  coming: ["within", "not_within"],
  flag: ["is"],
};

export function operators(field: string): string[] {
  const known = FIELDS[field]!;
  const own = OPERATORS[known.kind];
  return known.optional ? [...own, ...["empty", "filled"].filter((op) => !own.includes(op))] : own;
}

export const takesValue = (test: Test): boolean => test.op !== "empty" && test.op !== "filled";
export const isGroup = (node: Node): node is Group => "parts" in node;

/** A new test of a field, with what is asked for most. */
export function fresh(field: string): Test {
  const { kind, choices } = FIELDS[field]!;
  const value: Value = kind === "flag" ? true : kind === "age" || kind === "coming" ? 60 : choices ? [choices[0]!] : [];
  return { field, op: operators(field)[0]!, value };
}

/** The document that says a tree. What is not filled in yet is left out. */
export function written(node: Node): Json | null {
  if (!isGroup(node)) return takesValue(node) ? (Array.isArray(node.value) && !node.value.length ? null : { ...node }) : { field: node.field, op: node.op };
  const parts = node.parts.map(written).filter((part) => part !== null);
  return node.how === "none" ? { not: { any: parts } } : { [node.how]: parts };
}

/** A tree to edit, of a document that the server keeps. */
export function read(document: Json): Node {
  if ("field" in document) return { ...(document as unknown as Test) };
  if ("all" in document) return { how: "all", parts: (document["all"] as Json[]).map(read) };
  if ("any" in document) return { how: "any", parts: (document["any"] as Json[]).map(read) };
  const inner = read(document["not"] as Json);
  return { how: "none", parts: isGroup(inner) && inner.how === "any" ? inner.parts : [inner] };
}

export function asGroup(document: Json): Group {
  const node = read(document);
  return isGroup(node) ? node : { how: "all", parts: [node] };
}

export interface Action {
  do: string;
  value: Value | string;
}
export const DOS = ["set_status", "set_assignee", "set_queue", "set_priority", "set_reason", "add_tags", "remove_tags", "snooze", "set_next_step", "add_note", "mention", "send_reply"];

export function freshAction(name: string): Action {
  const first: Record<string, Value | string> = { set_status: "resolved", set_priority: "high", set_assignee: "nobody", add_tags: [], remove_tags: [], mention: ["assignee"], snooze: 1440, add_note: "", set_next_step: "" };
  return { do: name, value: first[name] ?? "" };
}

/** Whether there is nothing left to fill in. */
export const isWhole = (action: Action): boolean => (Array.isArray(action.value) ? action.value.length > 0 : action.value !== "" && action.value !== undefined);

export const TRIGGERS = ["ticket_created", "customer_wrote", "agent_answered", "status_changed", "assignee_changed", "queue_changed", "priority_changed", "promise_at_risk", "promise_broken", "time_passed"];
export const SINCE = ["waiting", "created", "last_entry", "resolved"];

/** Minutes in the largest unit that fits. */
export function inUnit(minutes: number): { count: number; unit: number } {
  const unit = minutes && minutes % 1440 === 0 ? 1440 : minutes && minutes % 60 === 0 ? 60 : 1;
  return { count: minutes / unit, unit };
}
