/** Time for a server to answer, in ms. */
const TIMEOUT_MS = 5000;
/** Statuses of a server, or of a proxy before it, that cannot serve at the moment. */
const NOT_NOW: readonly number[] = [429, 502, 503, 504];

/**
 * Returns whether a server answers at all. Whether it answers as it should, only a call shows: a server need not know GET.
 */
export async function isReachable(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { redirect: "manual", signal: limit });
    await response.body?.cancel();
    return !NOT_NOW.includes(response.status);
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
