import type { EndpointResponse } from "./endpoint-connection.js";
import { retryAfterMs } from "./retry-after.js";
import { shorten } from "./read-completion.js";

/** The meaning of an error status for the request and for later ones. */
export type StatusVerdict =
  /** No further request can succeed. */
  | { readonly type: "ended"; readonly reason: string }
  /** The endpoint is overloaded; with the wait that it requests, if any. */
  | { readonly type: "busy"; readonly reason: string; readonly retryAfterMs: number | null }
  /** A retry of the request may succeed. */
  | { readonly type: "broken"; readonly reason: string }
  /** The request cannot succeed unchanged. */
  | { readonly type: "refused"; readonly reason: string };

const ENDED: Readonly<Record<number, string>> = {
  401: "the key is refused",
  402: "the account must be paid",
  403: "access is denied",
  404: "no such model or address",
  405: "no chat completions are served here",
  407: "the proxy wants a user and a password",
};
/** Transient errors of the endpoint, or of a gateway before it. */
const BROKEN = new Set([408, 409, 425, 500, 502, 504, 520, 521, 522, 523, 524, 530]);
const BUSY = new Set([429, 503, 529]);
/** Matches messages about a quota, which waiting does not restore. */
const QUOTA = /insufficient_quota|exceeded your current quota|billing|payment required/i;

/** Classifies an error status; `nowMs` is the time since the epoch. */
export function readStatus(response: EndpointResponse, nowMs: number): StatusVerdict {
  const { status, headers, text } = response;
  const reason = `${status} ${shorten(text)}`.trim();
  const ended = ENDED[status];
  if (ended !== undefined) return { type: "ended", reason: `${ended}: ${reason}` };
  if (status >= 300 && status < 400) {
    const to = String(headers["location"] ?? "an address that it does not name");
    return { type: "ended", reason: `${status}: redirects to ${to}; name that as --endpoint` };
  }
  if (status === 429 && QUOTA.test(text)) {
    return { type: "ended", reason: `${ENDED[402]}: ${reason}` };
  }
  if (BUSY.has(status)) {
    return { type: "busy", reason, retryAfterMs: retryAfterMs(headers, nowMs) };
  }
  if (BROKEN.has(status)) {
    const askedMs = retryAfterMs(headers, nowMs);
    if (askedMs !== null) return { type: "busy", reason, retryAfterMs: askedMs };
    return { type: "broken", reason };
  }
  return { type: "refused", reason };
}
