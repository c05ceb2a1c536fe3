/** Removes what a run whose creation failed has left on disk. */
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { syncFolder } from "@gumshoe/core";

/**
 * Deletes what the creation of a run has written before its first event was durable: after a failed
 * sync the event may be on disk, and the next start would execute a run that was refused.
 */
export async function removeUnsubmitted(folder: string): Promise<void> {
  for (const file of [join("ledger", "events.jsonl"), "config.json"]) {
    await rm(join(folder, file), { force: true }).catch(() => undefined);
  }
  await syncFolder(join(folder, "ledger")).catch(() => undefined);
}

/** Deletes a run's folder and some of those in it. A folder that holds a file stays. */
export async function removeEmptyFolders(folder: string, inner: readonly string[]): Promise<void> {
  for (const path of [...inner.map((name) => join(folder, name)), folder]) {
    await rmdir(path).catch(() => undefined);
  }
}
