import type { RunEvent } from "../gen/gumshoe/v1/run.js";
import { RunEventBody } from "./schemas.js";
import { MalformedMessageError } from "../errors.js";

/** An event as watchers receive it. */
export interface WatchedEvent {
  /** Position in the run's ledger, from 1; 0 for a transient event. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly body: RunEventBody;
}

/**
 * Encodes an event for the wire.
 *
 * @param later  further events to pack into the same message
 */
export function toRunEvent(event: WatchedEvent, later: readonly WatchedEvent[] = []): RunEvent {
  const { number, atMs, body } = event;
  const rest = later.map((one) => toRunEvent(one));
  return { number, atMs, type: body.type, json: JSON.stringify(body), later: rest };
}

/**
 * Decodes an event from the wire.
 *
 * @returns  null for an event of an unknown type
 * @throws   MalformedMessageError when a known type breaks its schema
 */
export function fromRunEvent(event: RunEvent): WatchedEvent | null {
  const known = RunEventBody.options.some((option) => option.shape.type.value === event.type);
  if (!known) return null;
  let json: unknown;
  try {
    json = JSON.parse(event.json);
  } catch (cause) {
    throw new MalformedMessageError(`event ${event.number} (${event.type}) is not JSON`, cause);
  }
  const parsed = RunEventBody.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new MalformedMessageError(
      `event ${event.number} (${event.type}) breaks its schema at ${where}`,
      parsed.error,
    );
  }
  return { number: event.number, atMs: event.atMs, body: parsed.data };
}
