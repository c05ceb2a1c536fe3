/**
 * One process of a SimulatedFleet, with many workers. Sends `ready` to its parent when all have
 * registered; ends on SIGTERM, and with its parent.
 */
import { createLogger, errorMessage, systemClock, yieldCores } from "@gumshoe/core";
import { WORKER_NICE } from "@gumshoe/worker";

import type { FleetPeerRequest } from "./simulated-fleet.js";
import { SimulatedWorker } from "./simulated-worker.js";

const {
  name,
  workers: numWorkers,
  ...where
} = JSON.parse(process.argv[2] ?? "") as FleetPeerRequest;
// The same priority as real workers.
yieldCores(WORKER_NICE);
const logger = createLogger(name, "error");
const workers = Array.from(
  { length: numWorkers },
  (_, i) =>
    new SimulatedWorker({ ...where, workerId: `${name}-${i + 1}`, clock: systemClock, logger }),
);

function fail(error: unknown): never {
  process.stderr.write(`${name}: ${errorMessage(error)}\n`);
  process.exit(1);
}

process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => {
  void Promise.all(workers.map((worker) => worker.stop())).finally(() => process.exit(0));
});
try {
  // One after the other, like processes that start separately.
  for (const worker of workers) await worker.start(fail);
  process.send?.("ready");
} catch (error) {
  fail(error);
}
