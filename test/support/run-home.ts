import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, createLogger, errnoOf, systemClock } from "@gumshoe/core";
import { RunConfig, RunResult } from "@gumshoe/config";
import { FleetService, PackService, RolloutService, type RunEventBody } from "@gumshoe/protocol";
import { RpcChannel, RpcServer } from "@gumshoe/rpc";
import { JobQueue, RedisLink } from "@gumshoe/queue";

import type * as BackgroundModule from "../../packages/coordinator/src/background/background-thread.js";
import { Fleet } from "../../packages/coordinator/src/fleet/fleet.js";
import {
  fleetHandlers,
  packHandlers,
  rolloutHandlers,
} from "../../packages/coordinator/src/rpc/worker-handlers.js";
import { AllowedFolders } from "../../packages/coordinator/src/submission/allowed-folders.js";
import { AllowedServers } from "../../packages/coordinator/src/submission/allowed-servers.js";
import { HubInputs } from "../../packages/coordinator/src/submission/hub-inputs.js";
import { RunManager } from "../../packages/coordinator/src/run/run-manager.js";
import type { RunRecord } from "../../packages/coordinator/src/run/run-record.js";
import { makeModel, ROOT, TOKEN } from "./fake-cluster.js";
import { FakeInference, FakeReducer, FakeTrainer } from "./fake-workers.js";
import { startRedis, type TestRedis } from "./redis-server.js";

// The thread's entry point is a file of the built package, so its class is imported from there.
const built = join(ROOT, "packages/coordinator/dist/background/background-thread.js");
const { BackgroundThread } = (await import(built)) as typeof BackgroundModule;
type Background = InstanceType<typeof BackgroundThread>;

/** Shortens waits for workers, in ms: all of them are registered from the start. */
const HASTY_MS = 5;

/** Width of the model, small enough for a single parameter block. */
const HIDDEN_SIZE = 16;

/** One event of a run, with the files as they were just after it. */
export interface Cut {
  readonly number: number;
  readonly body: RunEventBody;
  readonly folder: string;
}

/**
 * The runs of a home in this process, with a real Redis, real gRPC and fake workers. A run can be
 * reset to any of its events and resumed from there, repeatedly.
 */
export class RunHome {
  readonly home = mkdtempSync(join(tmpdir(), "gumshoe-runs-"));
  readonly model = join(this.home, "model");
  readonly #parts: { stop(): Promise<unknown> }[] = [];
  #manager: RunManager;

  private constructor(
    private readonly redis: TestRedis,
    private readonly link: RedisLink,
    private readonly background: Background,
    private readonly fleet: Fleet,
  ) {
    this.#manager = this.#newManager();
  }

  /** Starts Redis, the coordinator's services for workers, and one worker of each kind. */
  static async start(): Promise<RunHome> {
    const redis = await startRedis();
    const link = await RedisLink.connect({ url: redis.url, cluster: "runs" });
    const hasty: Clock = {
      ...systemClock,
      sleep: (ms, signal) => systemClock.sleep(Math.min(ms, HASTY_MS), signal),
    };
    const fleet = new Fleet({
      clock: hasty,
      logger: createLogger("test", "silent"),
      lostAfterMs: 10_000,
    });
    const home = new RunHome(redis, link, new BackgroundThread(), fleet);
    await makeModel(home.model, HIDDEN_SIZE);
    await home.#serve();
    return home;
  }

  get runs(): string {
    return join(this.home, "runs");
  }

  /** Executes a run to its end, and copies its folder after every event. */
  async record(config: unknown): Promise<{ result: RunResult; cuts: Cut[] }> {
    this.#manager = this.#newManager();
    await this.#manager.load();
    this.#manager.start();
    const record = await this.#manager.submit(RunConfig.parse(config));
    const cuts: Cut[] = [];
    const keep = (number: number, body: RunEventBody) => {
      const folder = join(this.home, "cuts", record.config.name, String(number));
      copyRun(record.folder, folder, number);
      cuts.push({ number, body, folder });
    };
    keep(1, { type: "run-submitted", config });
    const publish = record.events.publish.bind(record.events);
    record.events.publish = (event) => {
      publish(event);
      if (event.number > 0) keep(event.number, event.body);
    };
    const result = await ended(record);
    await this.#manager.stop();
    return { result, cuts };
  }

  /**
   * Resets a run to an event, and resumes it to its end.
   *
   * @param folder  copy of its files: of that event, or of the next one, as after a crash just
   *   before it
   */
  async resume(name: string, number: number, folder: string): Promise<RunResult> {
    rmSync(join(this.runs, name), { recursive: true, force: true });
    copyRun(folder, join(this.runs, name), number);
    this.#manager = this.#newManager();
    await this.#manager.load();
    this.#manager.start();
    const result = await ended(this.#manager.get(name));
    await this.#manager.stop();
    return result;
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await this.#manager.stop().catch(() => undefined);
    for (const part of this.#parts) await part.stop();
    this.fleet.stop();
    await this.background.stop();
    this.link.close();
    await this.redis.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  #newManager(): RunManager {
    const logger = createLogger("test", "silent");
    return new RunManager({
      folder: this.runs,
      fleet: this.fleet,
      rolloutQueue: new JobQueue("rollout", { redis: this.link }),
      gradientQueue: new JobQueue("gradient", { redis: this.link }),
      token: TOKEN,
      tls: null,
      clock: systemClock,
      logger,
      mayWrite: () => Promise.resolve(),
      background: this.background,
      allowed: new AllowedFolders({
        folders: [tmpdir(), join(this.home, "model")],
        home: this.home,
      }),
      servers: new AllowedServers([]),
      diskWaitMs: 0,
      recoveryEveryMs: 90_000,
      sliceMs: 600_000,
      previousEnd: null,
      hub: new HubInputs(join(this.home, "hub")),
      redisProblem: () => null,
    });
  }

  async #serve(): Promise<void> {
    const logger = createLogger("test", "silent");
    const server = new RpcServer({ token: TOKEN });
    const manager = new Proxy({} as RunManager, {
      get: (_, name) => (this.#manager[name as "driver"] as () => unknown).bind(this.#manager),
    });
    server.serve(FleetService, fleetHandlers(this.fleet, manager));
    server.serve(RolloutService, rolloutHandlers(manager, logger));
    server.serve(PackService, packHandlers(manager, logger));
    const address = await server.listen("127.0.0.1:0");
    const channel = new RpcChannel(address, { token: TOKEN });
    const home = { coordinator: channel, redis: this.link, token: TOKEN, home: this.home };
    const workers = [
      new FakeInference(home, "inference-1"),
      new FakeTrainer(home, "trainer-1"),
      new FakeReducer(home, "reducer-1"),
    ];
    for (const worker of workers) await worker.start();
    this.#parts.push(...workers, { stop: () => Promise.resolve(channel.close()) });
    this.#parts.push({ stop: () => server.stop(0) });
  }
}

async function ended(record: RunRecord): Promise<RunResult> {
  const options = { signal: new AbortController().signal, gatherMs: 0, clock: systemClock };
  let last: RunEventBody | undefined;
  for await (const events of record.events.watch(0, options)) last = events.at(-1)?.body;
  if (last?.type === "run-done") return RunResult.parse(last.result);
  throw new Error(last?.type === "run-failed" ? last.error : `the run ended with ${last?.type}`);
}

/**
 * Copies a run's folder, with its ledger up to an event. Only the ledger is modified in place. A
 * file that is removed meanwhile on another thread is missing, as after a crash.
 */
function copyRun(from: string, to: string, numEvents: number): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyRun(source, target, numEvents);
    else if (entry.name === "events.jsonl") {
      const lines = readFileSync(source, "utf8").split("\n").slice(0, numEvents);
      writeFileSync(target, lines.map((line) => `${line}\n`).join(""));
    } else if (entry.name === "metrics.jsonl") copyFileSync(source, target);
    else linkIfThere(source, target);
  }
}

function linkIfThere(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (thrown) {
    if (errnoOf(thrown) !== "ENOENT") throw thrown;
  }
}
