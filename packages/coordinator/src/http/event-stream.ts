import type { IncomingMessage } from "node:http";

/** Time after which a browser connects again, in ms. */
export const RETRY_MS = 2000;

/** Formats one message of a stream of server-sent events. */
export function formatMessage(event: string, data: unknown, id: number | null = null): string {
  const line = id === null ? "" : `id: ${id}\n`;
  return `${line}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Returns the number after which a stream goes on: the browser's, or that of the query; null for neither. */
export function lastEventId(request: IncomingMessage, after: string | undefined): number | null {
  const header = request.headers["last-event-id"];
  const text = typeof header === "string" && header !== "" ? header : after;
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
