import type { GumshoeClient } from "@gumshoe/client";
import type { Clock } from "@gumshoe/core";

import type { RunView } from "./run-view.js";

const ASK_EVERY_MS = 2000;

/**
 * Shows the workers' status, the forecast and the machine time beside a run, until the signal is
 * aborted. Never fails.
 */
export async function followStatus(
  client: Pick<GumshoeClient, "fleet" | "get">,
  name: string,
  options: { view: Pick<RunView, "showStatus">; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { view, clock, signal } = options;
  while (!signal.aborted) {
    // While the coordinator cannot be reached, the status is unknown; the watch reports that.
    const [workers, run] = await Promise.all([
      client.fleet().catch(() => null),
      client.get(name).catch(() => null),
    ]);
    if (!signal.aborted) view.showStatus(workers, run);
    await clock.sleep(ASK_EVERY_MS, signal).catch(() => undefined);
  }
}
