import { InterruptedError } from "../errors.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/**
 * Signals within this time, in ms, count as one Ctrl-C: `npm` and the terminal may both forward it.
 */
const SAME_KEY_PRESS_MS = 300;

/**
 * Converts Ctrl-C into an abort: the first requests a clean stop, the second ends the process at
 * once (the guardian then kills the children).
 *
 * @param onFirst  called at the first Ctrl-C, to print a message
 */
export function listenForStop(onFirst: () => void): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  const listener = () => {
    const nowMs = performance.now();
    if (firstAtMs === null) {
      firstAtMs = nowMs;
      onFirst();
      controller.abort(new InterruptedError());
    } else if (nowMs - firstAtMs > SAME_KEY_PRESS_MS) {
      process.exit(1);
    }
  };
  for (const name of SIGNALS) process.on(name, listener);
  const dispose = () => {
    for (const name of SIGNALS) process.off(name, listener);
  };
  return { signal: controller.signal, dispose };
}
