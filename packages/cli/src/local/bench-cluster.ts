import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BenchCluster, BenchWorkers } from "@gumshoe/bench";

import type { Context } from "../context.js";
import { Home } from "./home.js";
import { LocalCluster } from "./local-cluster.js";

/** Starts a cluster for one benchmark, in a temporary home. */
export async function startBenchCluster(
  workers: BenchWorkers,
  { env, clock, workingFolder, terminal }: Context,
): Promise<BenchCluster> {
  const folder = await mkdtemp(join(tmpdir(), "gumshoe-bench-"));
  const home = new Home(folder);
  home.create();
  const cluster = new LocalCluster({
    home,
    fleet: { ...workers, threads: 1, devices: ["cpu"] },
    port: null,
    logLevel: "info",
    data: [],
    sourceUrls: [],
    workingFolder,
    env,
    clock,
    onRestart: (name, reason) => terminal.err(`${name} died (${reason}); starting it again\n`),
  });
  const stop = async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await cluster.start(new AbortController().signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    address: cluster.address,
    token: home.token(),
    redisUrl: cluster.redisUrl,
    name: cluster.name,
    get coordinatorPid() {
      const processes = home.readCluster()?.processes ?? [];
      return processes.find(({ name }) => name === "coordinator")?.pid ?? null;
    },
    failure: cluster.failure,
    stop,
  };
}
