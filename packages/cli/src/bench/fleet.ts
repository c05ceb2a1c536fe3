/**
 * A whole iteration's sampling with a large fleet: a real coordinator, Redis and reducer in processes of
 * their own, and simulated inference workers on the real wire.
 *
 * The run ends when all groups are in the ledger and its learning is planned: nobody computes gradients.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";
import { systemClock, yieldCores } from "@gumshoe/core";
import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { type CoordinatorStatus } from "@gumshoe/protocol";
import { WORKER_NICE } from "@gumshoe/worker";

import { RunNotDoneError } from "../errors.js";
import { Home } from "../local/home.js";
import { LocalCluster } from "../local/local-cluster.js";
import { type Figure } from "./figure.js";
import { FleetTally } from "./fleet-tally.js";
import { type BenchSettings } from "./settings.js";

/** Mean time that a simulated worker takes for a group. */
const GROUP_MS = 1000;
/** Processes that the simulated workers share. */
const PEERS = 4;
const RUN = "bench-fleet";
const MODEL = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const ASK_EVERY_MS = 1000;

/** What a process of simulated workers is told. */
export interface FleetPeerRequest {
  /** Begins the names of its workers. */
  readonly name: string;
  readonly workers: number;
  readonly coordinator: string;
  readonly token: string;
  readonly redisUrl: string;
  readonly cluster: string;
  /** Mean time that a worker takes for a group. */
  readonly groupMs: number;
}

/** Lets a fleet of simulated workers do an iteration's groups, and watches the coordinator meanwhile. */
export async function benchFleet(settings: BenchSettings): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "gumshoe-bench-"));
  const home = new Home(folder);
  home.create();
  const cluster = new LocalCluster({
    home,
    port: null,
    logLevel: "info",
    env: process.env,
    clock: systemClock,
    fleet: { inference: 0, trainers: 0, reducers: 1, threads: 1 },
    data: [],
    workingFolder: process.cwd(),
    onRestart: (name, reason) => settings.onProgress(`${name} died (${reason})`, 0),
  });
  let peers: ChildProcess[] = [];
  try {
    await cluster.start(new AbortController().signal);
    // What watches and counts is not the cluster: nor do users elsewhere take its cores.
    yieldCores(WORKER_NICE);
    const startedAtMs = performance.now();
    settings.onProgress("workers join", 0);
    peers = startPeers(cluster, home, settings.workers);
    await Promise.all(peers.map(untilReady));
    const joinSeconds = (performance.now() - startedAtMs) / 1000;
    return [
      fleetFigure("workers join", settings, { median: joinSeconds, unit: "s" }),
      ...(await doGroups(cluster, home, settings)),
    ];
  } finally {
    await Promise.all(peers.map(end));
    await cluster.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function startPeers(cluster: LocalCluster, home: Home, workers: number): ChildProcess[] {
  const program = fileURLToPath(new URL("fleet-peer.js", import.meta.url));
  const numPeers = Math.min(PEERS, workers);
  const edge = (i: number) => Math.floor((i * workers) / numPeers);
  return Array.from({ length: numPeers }, (_, i) => {
    const share = edge(i + 1) - edge(i);
    const request: FleetPeerRequest = {
      name: `fleet-${i + 1}`,
      workers: share,
      coordinator: cluster.address,
      token: home.token(),
      redisUrl: cluster.redisUrl,
      cluster: cluster.name,
      groupMs: GROUP_MS,
    };
    return fork(program, [JSON.stringify(request)]);
  });
}

async function untilReady(peer: ChildProcess): Promise<void> {
  const ended = once(peer, "exit").then(() => {
    throw new Error("a process of simulated workers ended");
  });
  ended.catch(() => undefined);
  await Promise.race([once(peer, "message"), ended]);
}

async function end(peer: ChildProcess): Promise<void> {
  if (peer.exitCode !== null || peer.signalCode !== null) return;
  const gone = once(peer, "exit");
  peer.kill("SIGTERM");
  await gone;
}

/** One iteration of as many groups as jobs are wanted. */
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

async function doGroups(
  cluster: LocalCluster,
  home: Home,
  settings: BenchSettings,
): Promise<Figure[]> {
  const client = new GumshoeClient({ address: cluster.address, token: home.token() });
  const tally = new FleetTally(settings.jobs);
  const loop = new LoopRecord();
  const timer = setInterval(() => void loop.ask(client), ASK_EVERY_MS);
  try {
    settings.onProgress("tasks are drawn", 0);
    await client.submit(configOf(settings));
    const seconds = await untilLearning(client, { tally, settings, signal: cluster.failure });
    await loop.ask(client);
    await client.cancel(RUN);
    const figure = (name: string, median: number, unit: string) =>
      fleetFigure(name, settings, { median, unit });
    return [
      figure("results in the ledger", tally.numAccepted, "jobs"),
      figure("lost results", tally.numLost, "jobs"),
      figure("doubled results", tally.numDoubled, "jobs"),
      figure("jobs done", tally.numAccepted / seconds, "jobs/s"),
      figure("coordinator's event loop: longest stop", loop.worst.loopDelayMaxMs, "ms"),
      figure("- less its wait for a core: longest", loop.worst.loopBlockedMaxMs, "ms"),
      figure("- at work on a core: longest", loop.worst.loopBusyMaxMs, "ms"),
      figure("coordinator's event loop: 99 of 100", loop.worst.loopDelayP99Ms, "ms"),
      figure("coordinator's garbage collection: longest", loop.worst.gcPauseMaxMs, "ms"),
      figure("coordinator's memory: most", loop.worst.memoryBytes / 2 ** 20, "MiB"),
    ];
  } finally {
    clearInterval(timer);
    client.close();
  }
}

/** Follows the run until its learning begins; returns the seconds from the first group to the last. */
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
      throw new RunNotDoneError(RUN, `failed: ${body.error}`);
    if (body.type === "progress" && body.phase === "learning") break;
  }
  return (sampledAtMs - plannedAtMs) / 1000;
}

/** The worst that was told of a coordinator. */
class LoopRecord {
  worst: CoordinatorStatus = {
    loopDelayP99Ms: 0,
    loopDelayMaxMs: 0,
    loopBlockedMaxMs: 0,
    loopBusyMaxMs: 0,
    gcPauseMaxMs: 0,
    memoryBytes: 0,
  };

  /** Asks the coordinator, which tells of its last minute. */
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
