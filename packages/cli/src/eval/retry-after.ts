type Headers = Readonly<Record<string, string | string[] | undefined>>;

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Larger numbers are seconds since the epoch, not seconds from now. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MS = 1e12;
/** Longest text of a duration, in characters. */
const MAX_DURATION = 100;

/**
 * Returns the wait that an endpoint requests: `retry-after-ms`, `retry-after` (seconds, a
 * duration such as `2s`, or an HTTP date), or the reset time of an exhausted rate limit.
 *
 * @param nowMs  milliseconds since the epoch
 * @returns      milliseconds, 0 or more; null when none is requested
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const exactMs = numberOf(headers["retry-after-ms"]);
  if (exactMs !== null) return Math.max(0, exactMs);
  const after = textOf(headers["retry-after"]);
  if (after !== null) {
    const seconds = numberOf(after);
    if (seconds !== null) return Math.max(0, seconds * 1000);
    const durationOfMs = durationMs(after, nowMs);
    if (durationOfMs !== null) return durationOfMs;
    const dateMs = Date.parse(after);
    if (!Number.isNaN(dateMs)) return Math.max(0, dateMs - nowMs);
  }
  const resets = ["requests", "tokens"]
    .filter((what) => numberOf(headers[`x-ratelimit-remaining-${what}`]) === 0)
    .map((what) => durationMs(textOf(headers[`x-ratelimit-reset-${what}`]), nowMs));
  const general = ["x-ratelimit-reset", "ratelimit-reset"].map((name) =>
    durationMs(textOf(headers[name]), nowMs),
  );
  const known = [...resets, ...general].filter((ms) => ms !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Parses `6m0s`, `20ms`, seconds from now, or a time since the epoch. */
function durationMs(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const number = numberOf(text);
  if (number !== null) {
    if (number >= EPOCH_MS) return Math.max(0, number - nowMs);
    return number >= EPOCH_SECONDS ? Math.max(0, number * 1000 - nowMs) : number * 1000;
  }
  // Longer texts are rejected: the regular expression would take quadratic time on a long run of
  // digits.
  if (text.length > MAX_DURATION) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return null;
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ""] ?? 0),
    0,
  );
}

function textOf(value: string | string[] | undefined): string | null {
  const text = Array.isArray(value) ? value[0] : value;
  return text === undefined || text.trim() === "" ? null : text.trim();
}

function numberOf(value: string | string[] | undefined): number | null {
  const text = textOf(value);
  if (text === null || !/^-?\d+(\.\d+)?$/.test(text)) return null;
  return Number(text);
}
