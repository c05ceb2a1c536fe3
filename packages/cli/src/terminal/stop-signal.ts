import { InterruptedError } from "../errors.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** `npm` and a terminal may both pass one Ctrl-C on: what comes this soon is the same one. */
const SAME_KEY_PRESS_MS = 300;

/**
 * Turns Ctrl-C into an abort: the first asks to stop cleanly, the second ends the process at once
 * (the guardian then ends the children).
 *
 * @param onFirst  told once, to say what happens now
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
