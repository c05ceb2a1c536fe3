import { type GumshoeClient } from "@gumshoe/client";
import { type Clock } from "@gumshoe/core";

import { type RunView } from "./run-view.js";

const ASK_EVERY_MS = 2000;

/** Shows the workers' status beside a run, until the signal is aborted. Never fails. */
export async function followFleet(
  client: Pick<GumshoeClient, "fleet">,
  view: Pick<RunView, "showFleet">,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    // While the coordinator cannot be reached, the workers' status is unknown; the watch reports
    // that.
    const workers = await client.fleet().catch(() => null);
    if (!signal.aborted) view.showFleet(workers);
    await clock.sleep(ASK_EVERY_MS, signal).catch(() => undefined);
  }
}
