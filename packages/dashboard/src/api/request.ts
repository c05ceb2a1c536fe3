/** Requests to the coordinator's JSON API. A failure is an outcome with a text for the reader. */
import { AlarmList, Problem as ErrorAnswer } from "@gumshoe/api";
import { signal } from "@preact/signals";
import type { z } from "zod";

/** The result of a request. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** Why a request has no result. */
export interface Problem {
  /** `away`: no answer; `refused`: an answer that says no; `unexpected`: an answer of another form. */
  readonly kind: "away" | "refused" | "unexpected";
  readonly text: string;
}

/** Whether the reader is logged in; `unknown` until the first answer. */
export const session = signal<"unknown" | "in" | "out">("unknown");

/** Asks for JSON. */
export function get<T>(
  path: string,
  schema: z.ZodType<T>,
  abort?: AbortSignal,
): Promise<Outcome<T>> {
  return request(path, schema, { signal: abort ?? null });
}

/** Changes something; the header keeps other sites from doing it with the reader's cookie. */
export function post<T>(
  path: string,
  schema: z.ZodType<T>,
  body: unknown = {},
): Promise<Outcome<T>> {
  const headers = { "Content-Type": "application/json" };
  return request(path, schema, { method: "POST", headers, body: JSON.stringify(body) });
}

async function request<T>(
  path: string,
  schema: z.ZodType<T>,
  init: RequestInit,
): Promise<Outcome<T>> {
  let status: number;
  let json: unknown;
  try {
    const response = await fetch(path, { credentials: "same-origin", ...init });
    status = response.status;
    json = response.headers.get("Content-Type")?.includes("json") ? await response.json() : null;
  } catch (error) {
    const text = error instanceof Error && error.name === "AbortError" ? "" : AWAY;
    return { ok: false, problem: { kind: "away", text } };
  }
  if (status === 401) {
    session.value = "out";
    return { ok: false, problem: { kind: "refused", text: textOf(json) ?? "Log in first." } };
  }
  if (status >= 502 && status <= 504) return { ok: false, problem: { kind: "away", text: AWAY } };
  if (status >= 400) {
    const text = textOf(json) ?? `The coordinator answered with status ${status}.`;
    return { ok: false, problem: { kind: "refused", text } };
  }
  session.value = "in";
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  const place = issue?.path.join(".") ?? "";
  const text = `The answer of ${path} is not as expected at "${place}": ${issue?.message ?? ""}. Reload the page: the coordinator may be of another version.`;
  return { ok: false, problem: { kind: "unexpected", text } };
}

const AWAY = "The coordinator does not answer. The page tries again by itself.";

/** Says whether the coordinator accepts the session; it is true while that is not known. */
export async function isLoggedIn(): Promise<boolean> {
  await get("/api/alarms", AlarmList);
  return session.value !== "out";
}

/** Returns the message of an error's JSON. */
function textOf(json: unknown): string | null {
  const parsed = ErrorAnswer.safeParse(json);
  if (!parsed.success) return null;
  const { message, field } = parsed.data.error;
  return field === null ? message : `${field}: ${message}`;
}
