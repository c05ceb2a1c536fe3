/**
 * Sampling of one iteration with a large fleet: a real coordinator, Redis and reducer in separate
 * processes, and simulated inference workers that use the real protocol.
 *
 * The run ends when all groups are in the ledger and the updates are planned: no worker computes
 * gradients.
 */
import { GumshoeClient } from "@gumshoe/client";
import { yieldCores } from "@gumshoe/core";
import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import type { CoordinatorStatus } from "@gumshoe/protocol";
import { WORKER_NICE } from "@gumshoe/worker";

import { type BenchCluster, MODEL } from "../cluster.js";
import { BenchRunFailedError } from "../errors.js";
import type { Figure } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { FleetTally } from "./fleet-tally.js";
import { SimulatedFleet } from "./simulated-fleet.js";

/** Mean time of a simulated worker per group, in ms. */
const GROUP_MS = 1000;
/** Number of processes that host the simulated workers. */
const PEERS = 4;
const RUN = "bench-fleet";
const ASK_EVERY_MS = 1000;

/** Runs an iteration with simulated workers, and measures the coordinator. */
export async function benchFleet(settings: BenchSettings): Promise<Figure[]> {
  const cluster = await settings.startCluster({ inference: 0, trainers: 0, reducers: 1 });
  const fleet = new SimulatedFleet();
  try {
    // Lower the priority: real users would not watch and count on the cluster's own cores.
    yieldCores(WORKER_NICE);
    const startedAtMs = performance.now();
    settings.onProgress("workers join", 0);
    await Promise.all(
      shares(settings.workers).map((share, i) => addWorkers(fleet, cluster, share, i)),
    );
    const joinSeconds = (performance.now() - startedAtMs) / 1000;
    return [
      fleetFigure("workers join", settings, { median: joinSeconds, unit: "s" }),
      ...(await doGroups(cluster, settings)),
    ];
  } finally {
    await fleet.stop();
    await cluster.stop();
  }
}

/** Distributes the workers over the processes. */
function shares(workers: number): number[] {
  const numPeers = Math.min(PEERS, workers);
  const edge = (i: number) => Math.floor((i * workers) / numPeers);
  return Array.from({ length: numPeers }, (_, i) => edge(i + 1) - edge(i));
}

async function addWorkers(
  fleet: SimulatedFleet,
  cluster: BenchCluster,
  workers: number,
  index: number,
): Promise<void> {
  await fleet.add({
    name: `fleet-${index + 1}`,
    workers,
    coordinator: cluster.address,
    token: cluster.token,
    redisUrl: cluster.redisUrl,
    cluster: cluster.name,
    groupMs: GROUP_MS,
  });
}

/** One iteration with as many groups as jobs were requested. */
function configOf({ jobs }: BenchSettings): RunConfig {
  return checkRunConfig({
    name: RUN,
    type: "grpo",
    model: MODEL,
    iterations: 1,
    updatesPerIteration: 1,
    tasks: { source: { type: "generate", tier: "mini", seed: 1 }, perIteration: jobs },
    rollouts: { perTask: 4 },
  });
}

async function doGroups(cluster: BenchCluster, settings: BenchSettings): Promise<Figure[]> {
  const client = new GumshoeClient({ address: cluster.address, token: cluster.token });
  const tally = new FleetTally(settings.jobs);
  const record = new StatusRecord();
  const timer = setInterval(() => void record.ask(client), ASK_EVERY_MS);
  try {
    settings.onProgress("tasks are drawn", 0);
    await client.submit(configOf(settings));
    const seconds = await untilLearning(client, { tally, settings, signal: cluster.failure });
    await record.ask(client);
    await client.cancel(RUN);
    const { worst } = record;
    const figure = (name: string, median: number, unit: string) =>
      fleetFigure(name, settings, { median, unit });
    return [
      figure("results in the ledger", tally.numAccepted, "jobs"),
      figure("lost results", tally.numLost, "jobs"),
      figure("doubled results", tally.numDoubled, "jobs"),
      figure("jobs done", tally.numAccepted / seconds, "jobs/s"),
      figure("coordinator's event-loop delay, p99", worst.eventLoopDelayP99Ms, "ms"),
      figure("coordinator's event-loop delay, max", worst.eventLoopDelayMaxMs, "ms"),
      figure("coordinator's garbage collection, max", worst.gcPauseMaxMs, "ms"),
      figure("coordinator's processor time", worst.cpuSeconds, "s"),
      figure("coordinator's memory, max", worst.memoryBytes / 2 ** 20, "MiB"),
    ];
  } finally {
    clearInterval(timer);
    client.close();
  }
}

/** Watches the run until learning begins; returns the seconds from the first group to the last. */
async function untilLearning(
  client: GumshoeClient,
  options: { tally: FleetTally; settings: BenchSettings; signal: AbortSignal },
): Promise<number> {
  const { tally, settings, signal } = options;
  let plannedAtMs = 0;
  let sampledAtMs = 0;
  for await (const event of client.watch(RUN, { signal })) {
    const { body, atMs } = event;
    tally.take(event);
    if (body.type === "iteration-planned") plannedAtMs = atMs;
    if (body.type === "group-done") {
      sampledAtMs = atMs;
      settings.onProgress(
        `${tally.numAccepted}/${settings.jobs}`,
        tally.numAccepted / settings.jobs,
      );
    }
    if (body.type === "run-failed" || body.type === "run-stuck")
      throw new BenchRunFailedError(RUN, body.error);
    if (body.type === "progress" && body.phase === "learning") break;
  }
  return (sampledAtMs - plannedAtMs) / 1000;
}

/** The worst values in the coordinator's status reports. */
class StatusRecord {
  worst: CoordinatorStatus = {
    eventLoopDelayP99Ms: 0,
    eventLoopDelayMaxMs: 0,
    gcPauseMaxMs: 0,
    memoryBytes: 0,
    cpuSeconds: 0,
  };

  /** Fetches the coordinator's status, which covers its last minute. */
  async ask(client: GumshoeClient): Promise<void> {
    const { coordinator } = await client.cluster().catch(() => ({ coordinator: undefined }));
    if (coordinator === undefined) return;
    for (const key of Object.keys(this.worst) as (keyof CoordinatorStatus)[]) {
      this.worst[key] = Math.max(this.worst[key], coordinator[key]);
    }
  }
}

function fleetFigure(
  name: string,
  { workers, jobs }: BenchSettings,
  value: { median: number; unit: string },
): Figure {
  return { name, shape: `${workers} workers, ${jobs} jobs`, ...value };
}
