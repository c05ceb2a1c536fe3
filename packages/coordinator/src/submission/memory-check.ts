/** Refuses a run that the machines of the registered workers have too little memory for. */
import { type BilledRun, checkFits, type Workers } from "@gumshoe/memory";
import type { WorkerRole } from "@gumshoe/protocol";

import type { Fleet } from "../fleet/fleet.js";

const COUNTS = {
  inference: "inference",
  trainer: "trainers",
  reducer: "reducers",
} as const satisfies Record<WorkerRole, keyof Workers>;

interface Machine {
  readonly workers: { inference: number; trainers: number; reducers: number };
  /** The smallest limit that its workers report: each reports that of its machine or cgroup. */
  limitBytes: number;
}

/**
 * Checks every machine that has workers. Workers are of one machine if they announce one host.
 *
 * @param thisHost  host of the coordinator, whose own processes count there
 * @throws          RunTooLargeError naming the host
 */
export function checkMemory(run: BilledRun, fleet: Pick<Fleet, "members">, thisHost: string): void {
  const machines = new Map<string, Machine>();
  for (const role of ["inference", "trainer", "reducer"] as const) {
    for (const { registration } of fleet.members(role)) {
      const { host, memoryBytes } = registration;
      const machine = machines.get(host) ?? {
        workers: { inference: 0, trainers: 0, reducers: 0 },
        limitBytes: Infinity,
      };
      machine.workers[COUNTS[role]] += 1;
      machine.limitBytes = Math.min(machine.limitBytes, memoryBytes);
      machines.set(host, machine);
    }
  }
  const allReducers = fleet.members("reducer").length;
  for (const [host, { workers, limitBytes }] of machines) {
    const counted = { ...workers, allReducers, hasControl: host === thisHost };
    checkFits(run, counted, { limitBytes, where: `the machine ${host}` });
  }
}
