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
import { Feeds, openMonitors } from "@gumshoe/monitors";
import { Fence, JobQueue, RedisLink } from "@gumshoe/queue";

import { AlarmWatch } from "./alarm/alarm-watch.js";
import { BackgroundThread } from "./background/background-thread.js";
import { RunStoppedError } from "./errors.js";
import { EventLoopMonitor } from "./event-loop-monitor.js";
import { Fleet } from "./fleet/fleet.js";
import { Metrics, type RunFigures } from "./http/metrics.js";
import { openHttp, type OpenHttp } from "./http/open-http.js";
import { HomeLock } from "./ledger/home-lock.js";
import { MonitoredRuns } from "./monitor/monitored-runs.js";
import { fleetHandlers, packHandlers, rolloutHandlers } from "./rpc/worker-handlers.js";
import { readEarlierHttp, writeReadyFile } from "./ready-file.js";
import { runHandlers } from "./rpc/run-handlers.js";
import { AllowedFolders } from "./submission/allowed-folders.js";
import { AllowedServers } from "./submission/allowed-servers.js";
import { HubInputs } from "./submission/hub-inputs.js";
import { RunManager } from "./run/run-manager.js";
import type { RunRecord } from "./run/run-record.js";
import type { CoordinatorSettings } from "./settings.js";

const FENCE_POLL_MS = 50;
/**
 * Time for health watchers to receive NOT_SERVING after the fence is lost, before this process
 * exits.
 */
const FAREWELL_MS = 200;
/** The home holds prompts, replies and configs: only its owner may read it. */
const HOME_MODE = 0o700;
/** A minimal valid config, for warming up the parser. */
const FIRST_CONFIG = `
{ type: grpo, name: first, model: none, tasks: { source: { type: generate, tier: mini } } }
`;

/**
 * The cluster's single control process: owns the runs, tracks the workers, and serves both users
 * and workers.
 *
 * At most one coordinator writes at a time: it holds a lock file in its home and a fence in Redis,
 * and writes nothing while it cannot confirm the fence.
 */
export class Coordinator {
  readonly #settings: CoordinatorSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #server: RpcServer;
  readonly #fleet: Fleet;
  readonly #eventLoop: EventLoopMonitor;
  readonly #metrics: Metrics;
  readonly #alarms: AlarmWatch;
  readonly #feeds: Feeds;
  #redis: RedisLink | null = null;
  #fence: Fence | null = null;
  #lock: HomeLock | null = null;
  #background: BackgroundThread | null = null;
  #runs: RunManager | null = null;
  #http: OpenHttp | null = null;
  #queues: (JobQueue<"rollout"> | JobQueue<"gradient">)[] = [];
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
    this.#fleet = new Fleet({
      clock: this.#clock,
      logger: this.#logger,
      lostAfterMs: settings.lostAfterMs,
    });
    this.#eventLoop = new EventLoopMonitor(this.#logger);
    this.#metrics = new Metrics({
      workers: () => this.#fleet.statuses(),
      runs: () => (this.#runs?.list() ?? []).map(toFigures),
      queues: () => this.#http?.queueLengths() ?? Promise.resolve(null),
      workersWanted: (role) => this.#runs?.activeDriver()?.workersWanted(role) ?? 0,
    });
    this.#alarms = new AlarmWatch({
      runs: () => this.#runs?.list() ?? [],
      clock: this.#clock,
      logger: this.#logger,
      webhook: settings.alarmWebhook,
    });
    const monitored = new MonitoredRuns(() => this.#runs?.list() ?? []);
    this.#feeds = new Feeds({
      monitors: openMonitors(settings.monitors, { clock: this.#clock, logger: this.#logger }),
      runs: () => monitored.list(),
      clock: this.#clock,
      logger: this.#logger,
    });
    this.#fleet.onDeparture(({ role }, lost) => {
      if (lost) this.#metrics.countLostWorker(role);
    });
  }

  /**
   * Starts serving, and resumes the runs that had not ended.
   *
   * @param onLost  called when another coordinator has taken the fence: this process must exit at
   *   once
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
    // Warm up zod before serving: compiling the schemas on the first parse takes 40 ms.
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
      // Wait for Redis without a time limit, at the start as well as later.
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
    this.#background = new BackgroundThread();
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
      background: this.#background,
      onEvent: (body) => this.#metrics.countEvent(body),
      allowed: new AllowedFolders({ folders: this.#settings.dataFolders, home }),
      servers: new AllowedServers(this.#settings.sourceUrls),
      hub: new HubInputs(this.#settings.hubCache),
      diskWaitMs: this.#settings.diskWaitMs,
      recoveryEveryMs: this.#settings.recoveryEveryMs,
      sliceMs: this.#settings.sliceMs,
      previousEnd: this.#settings.previousEnd,
      redisProblem: () => redisProblem(redis, fence),
    });
    this.#runs = runs;
    // Load all runs before answering, so that no run is reported as unknown while it is still being
    // read.
    await runs.load();
    const { prices } = this.#settings;
    const watched = { fleet: this.#fleet, eventLoop: this.#eventLoop, clock: this.#clock, prices };
    this.#server.serve(RunService, runHandlers(runs, watched));
    this.#server.serve(FleetService, fleetHandlers(this.#fleet, runs), ["worker"]);
    this.#server.serve(RolloutService, rolloutHandlers(runs, logger), ["worker"]);
    this.#server.serve(PackService, packHandlers(runs, logger), ["worker"]);
    const address = await this.#server.listen(listen);
    const http = await this.#openHttp(runs, () => redisProblem(redis, fence));
    const parts = [this.#fleet, runs, this.#eventLoop, this.#alarms, this.#feeds];
    for (const part of parts) part.start();
    this.#isServing = true;
    if (readyFile !== null) await writeReadyFile(readyFile, { address, http, pid: process.pid });
    logger.info({ address, ...(http === null ? {} : { http }), home }, "coordinator is ready");
    return address;
  }

  /** Stops cleanly; the health check reports NOT_SERVING from the beginning. */
  async stop(): Promise<void> {
    this.#isServing = false;
    this.#stopping.abort(new RunStoppedError("shutdown"));
    await this.#runs?.stop();
    await this.#feeds.stop();
    await this.#background?.stop();
    this.#fleet.stop();
    this.#eventLoop.stop();
    this.#alarms.stop();
    await this.#http?.stop();
    await this.#server.stop(500);
    await Promise.all(this.#queues.map((queue) => queue.close()));
    await this.#fence?.release();
    this.#redis?.close();
    this.#lock?.release();
  }

  /** Opens the HTTP server, unless it is off. @returns the address that is served, or null */
  async #openHttp(runs: RunManager, redisProblem: () => string | null): Promise<string | null> {
    const { httpListen, readyFile } = this.#settings;
    if (httpListen === null) return null;
    this.#http = await openHttp(httpListen, await readEarlierHttp(readyFile), {
      settings: this.#settings,
      runs,
      fleet: this.#fleet,
      queues: this.#queues,
      eventLoop: this.#eventLoop,
      metrics: this.#metrics,
      alarms: this.#alarms,
      redisProblem,
      isServing: () => this.#serving,
      clock: this.#clock,
      logger: this.#logger,
    });
    return this.#http.address;
  }

  /** Sets the health status of both servers. */
  set #isServing(isServing: boolean) {
    this.#serving = isServing;
    this.#server.isServing = isServing;
  }

  async #loseFence(onLost: (error: Error) => void): Promise<void> {
    this.#isServing = false;
    await this.#clock.sleep(FAREWELL_MS);
    onLost(new Error("another coordinator took over"));
  }

  /** Waits until the fence is confirmed: nothing is written while Redis cannot be reached. */
  async #untilFresh(fence: Fence): Promise<void> {
    while (!fence.isFresh) await this.#clock.sleep(FENCE_POLL_MS, this.#stopping.signal);
  }
}

function toFigures({ config, state }: RunRecord): RunFigures {
  return { name: config.name, iterationsTotal: config.iterations, state };
}

/** Creates the home with access for its owner only, and locks it. */
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

/** Warns when Redis may evict keys: an evicted job is requeued within seconds, but work is lost. */
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

/** Describes what is wrong with Redis, for people; null while it works. */
function redisProblem({ address }: RedisLink, { problem }: Fence): string | null {
  return problem === null ? null : `Redis at ${address}: ${problem}`;
}
