import { chmod } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import {
  type Clock,
  diskError,
  errorMessage,
  type Logger,
  makeFolder,
  systemClock,
} from "@gumshoe/core";
import { parseRunConfig } from "@gumshoe/config";
import { FleetService, PackService, RolloutService, RunService } from "@gumshoe/protocol";
import { RpcServer } from "@gumshoe/rpc";
import { Fence, JobQueue, RedisLink } from "@gumshoe/queue";

import { RunStoppedError } from "./errors.js";
import { Fleet } from "./fleet/fleet.js";
import { writeDurably } from "./ledger/durable-file.js";
import { MonitoringServer } from "./http/monitoring-server.js";
import { METRICS_TYPE, metricsText } from "./http/metrics.js";
import { DiskThread } from "./ledger/disk-thread.js";
import { HomeLock } from "./ledger/home-lock.js";
import { LoopWatch } from "./loop-watch.js";
import { fleetHandlers, packHandlers, rolloutHandlers } from "./rpc/worker-handlers.js";
import { runHandlers } from "./rpc/run-handlers.js";
import { AllowedFolders } from "./submission/allowed-folders.js";
import { HubModels } from "./submission/hub-models.js";
import { RunManager } from "./run/run-manager.js";
import { type CoordinatorSettings } from "./settings.js";

const FENCE_POLL_MS = 50;
/** Time for health watchers to learn that the fence is lost, before this process ends. */
const FAREWELL_MS = 200;
/** The home holds prompts, replies and configs: it is for its owner alone. */
const HOME_MODE = 0o700;
/** Any config. */
const FIRST_CONFIG = `
{ type: grpo, name: first, model: none, tasks: { source: { type: generate, tier: mini } } }
`;

/**
 * The one process that decides: it owns the runs, knows the workers, and serves users and workers.
 *
 * At most one lives in a cluster: it holds a lock in its home and a fence in Redis, and writes nothing
 * while the fence is in doubt.
 */
export class Coordinator {
  readonly #settings: CoordinatorSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #server: RpcServer;
  readonly #fleet: Fleet;
  readonly #loop: LoopWatch;
  #redis: RedisLink | null = null;
  #fence: Fence | null = null;
  #lock: HomeLock | null = null;
  #disk: DiskThread | null = null;
  #runs: RunManager | null = null;
  #http: MonitoringServer | null = null;
  #queues: { close(): Promise<void> }[] = [];
  readonly #stopping = new AbortController();
  #serving = false;

  constructor(settings: CoordinatorSettings, options: { logger: Logger; clock?: Clock }) {
    this.#settings = settings;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#server = new RpcServer({
      token: settings.token,
      tls: settings.tls,
      logger: this.#logger,
    });
    this.#fleet = new Fleet({ clock: this.#clock, logger: this.#logger });
    this.#loop = new LoopWatch({ logger: this.#logger });
  }

  /**
   * Starts to serve, and goes on with the runs that had not ended.
   *
   * @param onLost  called when another coordinator has taken over: this one must end at once
   * @returns       host:port that is served
   */
  async start(onLost: (error: Error) => void): Promise<string> {
    const {
      home,
      redisUrl: url,
      redisTls,
      cluster,
      token,
      tls,
      listen,
      readyFile,
    } = this.#settings;
    const logger = this.#logger;
    // The first config that is read takes 40 ms: its readers are compiled. Now nobody waits for that.
    parseRunConfig(FIRST_CONFIG);
    this.#isServing = false;
    this.#lock = await takeHome(home, logger);
    const signal = this.#stopping.signal;
    const redis = await RedisLink.connect({
      url,
      tls: redisTls,
      cluster,
      logger,
      signal,
      // Redis is waited for as long as it takes, at the start as later.
      waitMs: Number.POSITIVE_INFINITY,
    });
    this.#redis = redis;
    const fence = await Fence.acquire({
      redis,
      name: "coordinator",
      holder: `coordinator on ${hostname()}, pid ${process.pid}`,
      onLost: () => void this.#loseFence(onLost),
      logger,
    });
    this.#fence = fence;
    await warnOfEviction(redis, logger);
    const rolloutQueue = new JobQueue("rollout", { redis, logger });
    const gradientQueue = new JobQueue("gradient", { redis, logger });
    this.#queues = [rolloutQueue, gradientQueue];
    this.#disk = new DiskThread();
    const runs = new RunManager({
      folder: join(home, "runs"),
      fleet: this.#fleet,
      rolloutQueue,
      gradientQueue,
      token,
      tls,
      clock: this.#clock,
      logger,
      mayWrite: () => this.#untilFresh(fence),
      disk: this.#disk,
      allowed: new AllowedFolders({ folders: this.#settings.dataFolders, home }),
      models: new HubModels(this.#settings.hubCache),
      diskWaitMs: this.#settings.diskWaitMs,
      previousEnd: this.#settings.previousEnd,
      redisProblem: () => redisProblem(redis, fence),
    });
    this.#runs = runs;
    // What is served is true from the first answer on: no run is unknown because it is still being read.
    await runs.load();
    const watched = { fleet: this.#fleet, loop: this.#loop, clock: this.#clock };
    this.#server.serve(RunService, runHandlers(runs, watched));
    this.#server.serve(FleetService, fleetHandlers(this.#fleet, runs), ["worker"]);
    this.#server.serve(RolloutService, rolloutHandlers(runs, logger), ["worker"]);
    this.#server.serve(PackService, packHandlers(runs, logger), ["worker"]);
    const address = await this.#server.listen(listen);
    const http = await this.#openHttp(runs);
    this.#fleet.start();
    runs.start();
    this.#loop.start();
    this.#isServing = true;
    if (readyFile !== null) {
      await writeDurably(readyFile, JSON.stringify({ address, pid: process.pid }));
    }
    logger.info({ address, ...(http === null ? {} : { http }), home }, "coordinator is ready");
    return address;
  }

  /** Stops cleanly; the health check says so from the beginning. */
  async stop(): Promise<void> {
    this.#isServing = false;
    this.#stopping.abort(new RunStoppedError("shutdown"));
    await this.#runs?.stop();
    await this.#disk?.stop();
    this.#fleet.stop();
    this.#loop.stop();
    await this.#http?.stop();
    await this.#server.stop(500);
    await Promise.all(this.#queues.map((queue) => queue.close()));
    await this.#fence?.release();
    this.#redis?.close();
    this.#lock?.release();
  }

  /** @returns the address that is served, or null when none is wanted */
  async #openHttp(runs: RunManager): Promise<string | null> {
    const { token, tls, httpListen } = this.#settings;
    if (httpListen === null) return null;
    const metrics = () =>
      metricsText({
        workers: this.#fleet.statuses(),
        coordinator: this.#loop.status(),
        runs: runs.list().map(({ config, state }) => ({
          name: config.name,
          iterationsTotal: config.iterations,
          state,
        })),
      });
    this.#http = new MonitoringServer({
      isServing: () => this.#serving,
      token,
      tls,
      logger: this.#logger,
      pages: new Map([["/metrics", { contentType: METRICS_TYPE, text: metrics }]]),
    });
    return this.#http.listen(httpListen);
  }

  /** What the health checks of both servers answer. */
  set #isServing(isServing: boolean) {
    this.#serving = isServing;
    this.#server.isServing = isServing;
  }

  async #loseFence(onLost: (error: Error) => void): Promise<void> {
    this.#isServing = false;
    await this.#clock.sleep(FAREWELL_MS);
    onLost(new Error("another coordinator took over"));
  }

  /** While Redis is away the fence is in doubt: nothing is written until it is ours again. */
  async #untilFresh(fence: Fence): Promise<void> {
    while (!fence.isFresh) await this.#clock.sleep(FENCE_POLL_MS, this.#stopping.signal);
  }
}

/** Makes the home, for its owner alone, and takes it for this process. */
async function takeHome(home: string, logger: Logger): Promise<HomeLock> {
  try {
    makeFolder(home, HOME_MODE);
    await chmod(home, HOME_MODE).catch((error: unknown) => {
      const problem = `the home ${home} may be open to others: ${errorMessage(error)}`;
      logger.warn({ home }, `${problem}; it should be readable by its owner alone (chmod 700)`);
    });
    return HomeLock.take(home);
  } catch (error) {
    throw diskError(error, home) ?? error;
  }
}

/** A Redis that drops keys when its memory is full loses jobs; they come back within seconds, but not unseen. */
async function warnOfEviction(redis: RedisLink, logger: Logger): Promise<void> {
  const policy = await redis.evictionPolicy().catch(() => null);
  if (policy === null || policy === "noeviction") return;
  const { address } = redis;
  logger.warn(
    { redis: address, policy },
    `Redis at ${address} has maxmemory-policy ${policy} and drops jobs when its memory is full: ` +
      "set maxmemory-policy noeviction",
  );
}

/** What is wrong with Redis, for people; null while it does its work. */
function redisProblem({ address }: RedisLink, { problem }: Fence): string | null {
  return problem === null ? null : `Redis at ${address}: ${problem}`;
}
