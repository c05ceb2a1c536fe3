/**
 * One line of a ledger: a checksum, a space, and the event as JSON.
 *
 * An event is parsed back before it is written: JSON has no NaN and no Infinity, so one number that
 * is not finite would make the whole ledger unreadable at the next start.
 */
import { createHash } from "node:crypto";

import { errorMessage, shownValue } from "@gumshoe/core";
import { RunEventBody, type WatchedEvent } from "@gumshoe/protocol";

import { UnwritableEventError } from "../errors.js";

/** An event as it will be read back, with its serialized text. */
export interface WritableEvent {
  readonly body: RunEventBody;
  readonly json: string;
}

/** The event of a line, or the reason why it holds none. */
export type ParsedLine =
  { readonly event: WatchedEvent } | { readonly event: null; readonly reason: string };

/**
 * Serializes an event and parses it back, and returns the parsed form.
 *
 * @throws UnwritableEventError naming the event's type and the field
 */
export function writableEvent(body: RunEventBody): WritableEvent {
  const found = findNotFinite(body, "");
  if (found !== null) {
    throw new UnwritableEventError(
      body.type,
      found.field,
      `is ${found.value}, not a finite number`,
    );
  }
  const json = JSON.stringify(body);
  const parsed = RunEventBody.safeParse(JSON.parse(json));
  if (parsed.success) return { body: parsed.data, json };
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new UnwritableEventError(body.type, field, issue?.message ?? "breaks its schema");
}

/** Formats the line of an event, with its newline. */
export function formatLine(number: number, atMs: number, { json }: WritableEvent): string {
  const text = `{"n":${number},"at":${atMs},"body":${json}}`;
  return `${checksum(text)} ${text}\n`;
}

/**
 * Parses a line.
 *
 * @param line    without its newline
 * @param number  the event number that is expected there
 */
export function parseLine(line: string, number: number): ParsedLine {
  if (!hasChecksum(line)) return broken("its checksum is wrong");
  let json: unknown;
  try {
    json = JSON.parse(line.slice(line.indexOf(" ") + 1));
  } catch (error) {
    return broken(`it is not JSON (${errorMessage(error)})`);
  }
  const { n, at, body } = (json ?? {}) as { n?: unknown; at?: unknown; body?: unknown };
  if (n !== number) return broken(`it holds event ${shownValue(n)} instead of ${number}`);
  if (typeof at !== "number") return broken("it has no time");
  let parsed = RunEventBody.safeParse(body);
  if (!parsed.success) parsed = RunEventBody.safeParse(withoutLostMetrics(body));
  if (parsed.success) return { event: { number, atMs: at, body: parsed.data } };
  const { type } = (body ?? {}) as { type?: unknown };
  const place = parsed.error.issues[0]?.path.join(".") ?? "";
  return broken(
    `its event ${typeof type === "string" ? type.slice(0, 80) : shownValue(type)} breaks the schema at ${place === "" ? "its top" : place}`,
  );
}

/** Returns whether an event survives the round trip through the ledger unchanged. */
export function isWritable(body: RunEventBody): boolean {
  return findNotFinite(body, "") === null && RunEventBody.safeParse(body).success;
}

/** Returns whether a line begins with the checksum of its remainder. */
export function hasChecksum(line: string): boolean {
  const space = line.indexOf(" ");
  return space >= 0 && checksum(line.slice(space + 1)) === line.slice(0, space);
}

function broken(reason: string): ParsedLine {
  return { event: null, reason };
}

/** Eight hex digits detect a torn or overwritten line; they are no protection against forgery. */
function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** Drops metrics that are null: earlier versions wrote null for a metric that was not finite. */
function withoutLostMetrics(body: unknown): unknown {
  const { metrics } = (body ?? {}) as { metrics?: unknown };
  if (typeof metrics !== "object" || metrics === null) return body;
  const kept = Object.entries(metrics).filter(([, value]) => value !== null);
  return { ...(body as object), metrics: Object.fromEntries(kept) };
}

/** Finds the first number that JSON cannot represent. */
function findNotFinite(value: unknown, field: string): { field: string; value: number } | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : { field, value };
  if (typeof value !== "object" || value === null) return null;
  const items = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(items)) {
    const item = items[key];
    // Skip strings without recursing: lists of thousands of hashes are common.
    if (typeof item === "string") continue;
    const found = findNotFinite(item, field === "" ? key : `${field}.${key}`);
    if (found !== null) return found;
  }
  return null;
}
