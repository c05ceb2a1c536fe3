import type { RunConfig } from "@gumshoe/config";
import {
  checkFits,
  fleetBytes,
  FleetTooLargeError,
  gigabytes,
  machineMemory,
  type Workers,
} from "@gumshoe/memory";

import type { Terminal } from "../terminal/terminal.js";
import { readBilledRun } from "./billed-run.js";

/** How this machine is called in messages. */
function here(): { limitBytes: number; availableBytes: number; where: string } {
  const { limitBytes, availableBytes, limitedBy } = machineMemory();
  const where = limitedBy === "cgroup" ? "this machine within its cgroup" : "this machine";
  return { limitBytes, availableBytes, where };
}

/**
 * Checks, before anything is loaded, that a run fits on this machine. What fits only once other programs give
 * memory back is told.
 *
 * @param config  with a folder that has the model's text files
 * @throws        RunTooLargeError with what to change
 */
export async function checkRunFits(
  config: RunConfig,
  workers: Workers,
  terminal: Terminal,
): Promise<void> {
  const { availableBytes, ...machine } = here();
  const { inference, trainers, reducers } = workers;
  const bill = checkFits(await readBilledRun(config), { inference, trainers, reducers }, machine);
  if (bill.total <= availableBytes) return;
  terminal.err(
    `the run takes ${gigabytes(bill.total)} GB of memory, and ${gigabytes(availableBytes)} GB are free now: ` +
      "end other programs\n",
  );
}

/** @throws FleetTooLargeError when the processes of a cluster do not fit, even without any model */
export function checkFleetFits({ inference, trainers, reducers }: Workers): void {
  const { limitBytes, where } = here();
  const neededBytes = fleetBytes({ inference, trainers, reducers });
  if (neededBytes > limitBytes) throw new FleetTooLargeError({ where, neededBytes, limitBytes });
}
