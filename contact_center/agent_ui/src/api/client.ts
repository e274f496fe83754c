// The only place that asks the server anything over HTTP.
import createClient from "openapi-fetch";
import type { components, paths } from "@/contract/api";

const KEPT = 16_000; // characters; browsers keep 64 kB alive in all

/** What was done is told to the server though the page is closed in the same moment. */
class KeptRequest extends Request {
  constructor(input: RequestInfo | URL, init: RequestInit = {}) {
    const small = typeof init.body !== "string" || init.body.length < KEPT;
    super(input, { ...init, keepalive: (init.method ?? "GET") !== "GET" && small });
  }
}

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin", Request: KeptRequest });

/** What went wrong, in the server's words, for people. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body["detail"] ?? body["title"] ?? "The server did not answer."));
    this.status = status;
    this.code = String(body["title"] ?? "offline");
    this.details = body;
  }
}

interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws a Problem. */
export async function ask<T>(request: Promise<Result<T>>): Promise<T> {
  let result: Result<T>;
  try {
    result = await request;
  } catch {
    throw new Problem(0, { title: "offline", detail: "The server cannot be reached." });
  }
  if (!result.response.ok) throw new Problem(result.response.status, (result.error ?? {}) as Record<string, unknown>);
  return result.data as T;
}

/** Upload a file to attach to a reply. */
export function upload(file: File): Promise<{ id: number; filename: string; size: number }> {
  return send(`/api/v1/attachments?filename=${encodeURIComponent(file.name)}`, file, file.type);
}

/** Upload a file of contacts; nothing is imported yet. */
export function uploadContacts(file: File): Promise<components["schemas"]["ImportJob"]> {
  return send(`/api/v1/imports?filename=${encodeURIComponent(file.name)}`, file, "");
}

async function send<T>(path: string, file: File, type: string): Promise<T> {
  const away = () => new Problem(0, { title: "offline", detail: "The server cannot be reached." });
  const response = await fetch(path, { method: "POST", body: file, headers: { "Content-Type": type || "application/octet-stream" } }).catch(() => Promise.reject(away()));
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}

/** Send something while the page goes: nobody waits for the answer. */
export function sendAlong(method: string, path: string, body: unknown): void {
  void fetch(path, { method, keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).catch(() => undefined);
}

export function newKey(): string {
  // randomUUID is missing on plain http outside loopback
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
