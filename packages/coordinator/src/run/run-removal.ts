/** Removes an ended run: its jobs in the queues, its record and its files. */
import { relative, resolve, sep } from "node:path";

import type { Logger } from "@gumshoe/core";
import { namedPaths, type RunConfig } from "@gumshoe/config";
import type { JobQueue } from "@gumshoe/queue";

import { RunInUseError, RunNotEndedError } from "../errors.js";
import { deleteMoved, moveAway } from "./run-folder.js";
import type { RunRecord } from "./run-record.js";

/** The parts that a removal works with. */
export interface RemovalOptions {
  readonly rolloutQueue: JobQueue<"rollout">;
  readonly gradientQueue: JobQueue<"gradient">;
  readonly mayWrite: () => Promise<void>;
  readonly logger: Logger;
}

/**
 * Checks that a run may be removed: it has ended, and no unfinished run reads its files.
 *
 * @param others     all runs
 * @param successor  config of the run that replaces it; null for none
 * @throws           RunNotEndedError, RunInUseError
 */
export function checkRemovable(
  { config: { name }, folder, hasEnded, state }: RunRecord,
  others: readonly RunRecord[],
  successor: RunConfig | null,
): void {
  if (!hasEnded) throw new RunNotEndedError(name, state.status);
  const readers = others
    .filter((other) => !other.hasEnded)
    .map((other) => {
      const title = `run ${other.config.name}, which is ${other.state.status},`;
      return { config: other.config, title };
    });
  if (successor !== null) readers.push({ config: successor, title: "the new run" });
  for (const { config, title } of readers) {
    const inside = namedPaths(config).find(({ path }) => isInside(path, folder));
    if (inside !== undefined) throw new RunInUseError(name, title, inside.path);
  }
}

/**
 * Removes a run. Once its folder has been renamed, the run is gone, and `onGone` is called.
 *
 * @returns bytes that were freed on disk
 */
export async function removeRun(
  record: RunRecord,
  { rolloutQueue, gradientQueue, mayWrite, logger }: RemovalOptions,
  onGone: () => void,
): Promise<number> {
  const { name } = record.config;
  // Remove the jobs, so that none of them is mistaken for one of a later run of this name.
  await Promise.all([rolloutQueue.removeRun(name), gradientQueue.removeRun(name)]);
  await mayWrite();
  const moved = await moveAway(record.folder);
  onGone();
  await record.close();
  const freedBytes = await deleteMoved(moved, logger);
  logger.info({ run: name, freedBytes }, "run is removed");
  return freedBytes;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, resolve(path));
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}
