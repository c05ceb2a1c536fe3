/**
 * A complete cluster on this machine: Redis, the coordinator and the workers as child processes.
 *
 * - A process that ends is restarted; one that cannot be restarted aborts `failure`.
 * - All servers listen on loopback only, and require a token and a password created at the first
 *   start.
 * - No process outlives the one that started the cluster: see Guardian.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { bundledEntry, type Clock, isDiskError } from "@gumshoe/core";
import type { WorkerRole } from "@gumshoe/protocol";

import { MissingRedisError, ProcessFailedError } from "../errors.js";
import { freePort, mustBeFree } from "./free-port.js";
import { pageLink } from "./page-link.js";
import { Guardian } from "./guardian.js";
import type { Home } from "./home.js";
import { lastComplaint } from "./log-tail.js";
import { findRedisServer, redisConfig } from "./redis-program.js";
import { type ProcessSpec, SupervisedProcess } from "./supervised-process.js";

const REDIS_WITHIN_MS = 20_000;
/** Time limit of the coordinator's start, in ms: it reads all runs of its home before serving. */
const READY_WITHIN_MS = 120_000;
const READY_POLL_MS = 20;
const REPORT_WITHIN_MS = 3000;
/** Most characters about the end of a process that the coordinator accepts. */
const MAX_END_CHARACTERS = 500;
/** The models in this repository. */
const MODELS = fileURLToPath(new URL("../../../../models", import.meta.url));
/** Name of the cluster in its Redis. */
const CLUSTER = "local";
/**
 * Time for workers to return their jobs, in ms; jobs that are not returned are redone by others.
 */
const WORKER_STOP_BUDGET_MS = 5000;
/** Time for the coordinator to close its ledgers, in ms. */
const COORDINATOR_STOP_BUDGET_MS = 10_000;
const REDIS_STOP_BUDGET_MS = 3000;

/** Number of workers of each role, and their threads. */
export interface FleetSize {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
  /** Threads per worker. */
  readonly threads: number;
  /** What the workers compute on, in turn: inference, trainers, reducers. */
  readonly devices: readonly string[];
}

/** Options of a local cluster. */
export interface LocalClusterOptions {
  readonly home: Home;
  readonly fleet: FleetSize;
  /** Port of the coordinator; null for any free one. */
  readonly port: number | null;
  readonly logLevel: string;
  /**
   * Folders and files that configs may name, beside the working folder and those in GUMSHOE_DATA.
   */
  readonly data: readonly string[];
  /** URLs of servers that configs may name, beside those in GUMSHOE_SOURCE_URLS. */
  readonly sourceUrls: readonly string[];
  readonly workingFolder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Called when a process is restarted. */
  readonly onRestart: (name: string, reason: string) => void;
}

/** A complete cluster on this machine. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #guardian = new Guardian();
  readonly #failure = new AbortController();
  #redis: SupervisedProcess | null = null;
  #coordinator: SupervisedProcess | null = null;
  #workers: SupervisedProcess[] = [];
  #address = "";
  #redisPort = 0;
  /** Name of the cluster in its Redis. */
  readonly name = CLUSTER;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** host:port of the coordinator. */
  get address(): string {
    return this.#address;
  }

  /** Makes a link to the page that logs in once; null when the page is off or cannot be reached. */
  pageLink(): Promise<string | null> {
    return pageLink(this.#http() ?? "", this.#options.home.token());
  }

  /** URL of Redis, with its password. */
  get redisUrl(): string {
    return this.#redisUrl(this.#redisPort);
  }

  /** Aborted with a ProcessFailedError when a process has ended and is not restarted. */
  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  /**
   * Starts all processes; resolves when the coordinator serves.
   *
   * The caller must hold the home's lock.
   *
   * @throws  MissingRedisError, PortInUseError, ProcessFailedError
   */
  async start(signal: AbortSignal): Promise<void> {
    const { port } = this.#options;
    const server = findRedisServer(this.#options.env["PATH"] ?? "");
    if (server === null) throw new MissingRedisError();
    if (port !== null) await mustBeFree(port);
    this.#guardian.start();
    rmSync(this.#readyFile, { force: true });
    this.#address = `127.0.0.1:${port ?? (await freePort())}`;
    const redisPort = await freePort();
    this.#redisPort = redisPort;
    this.#redis = this.#spawn(this.#redisSpec(server, redisPort));
    await this.#untilRedisAnswers(redisPort, signal);
    const env = this.#sharedEnv(redisPort);
    this.#coordinator = this.#spawn(this.#coordinatorSpec(env));
    this.#workers = this.#workerSpecs(env).map(({ role, spec }) => this.#spawn(spec, role));
    await this.#untilReady(signal);
  }

  /** Stops all processes, the workers first. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop(WORKER_STOP_BUDGET_MS)));
    await this.#coordinator?.stop(COORDINATOR_STOP_BUDGET_MS);
    await this.#redis?.stop(REDIS_STOP_BUDGET_MS);
    this.#guardian.close();
  }

  #redisUrl(port: number): string {
    return `redis://:${this.#options.home.redisPassword()}@127.0.0.1:${port}`;
  }

  #sharedEnv(redisPort: number): NodeJS.ProcessEnv {
    const { home, env, logLevel } = this.#options;
    return {
      ...env,
      GUMSHOE_TOKEN: home.token(),
      GUMSHOE_REDIS_URL: this.#redisUrl(redisPort),
      // Clear the user's settings for another cluster: its secrets do not apply here.
      GUMSHOE_TOKEN_FILE: "",
      GUMSHOE_REDIS_URL_FILE: "",
      GUMSHOE_REDIS_PASSWORD: "",
      GUMSHOE_REDIS_PASSWORD_FILE: "",
      GUMSHOE_TLS: "",
      GUMSHOE_REDIS_TLS: "",
      GUMSHOE_CLUSTER: CLUSTER,
      GUMSHOE_LOG_LEVEL: logLevel,
    };
  }

  #redisSpec(program: string, port: number): ProcessSpec {
    const { home, env } = this.#options;
    const folder = join(home.folder, "redis");
    return {
      name: "redis",
      program,
      args: ["-"],
      env,
      input: redisConfig({ port, folder, password: home.redisPassword() }),
      logFile: home.freshLog("redis"),
    };
  }

  #coordinatorSpec(env: NodeJS.ProcessEnv): ProcessSpec {
    const { home } = this.#options;
    return {
      name: "coordinator",
      program: process.execPath,
      args: [mainOf("coordinator")],
      env: {
        ...env,
        GUMSHOE_LISTEN: this.#address,
        GUMSHOE_HOME: home.folder,
        GUMSHOE_DATA: JSON.stringify(this.#dataFolders()),
        GUMSHOE_SOURCE_URLS: this.#sourceUrls().join(","),
        GUMSHOE_READY_FILE: this.#readyFile,
      },
      input: null,
      logFile: home.freshLog("coordinator"),
    };
  }

  /** The file in which the coordinator writes its addresses when it serves. */
  get #readyFile(): string {
    return join(this.#options.home.folder, "coordinator.json");
  }

  /** Reads host:port of the page from that file; undefined for none. */
  #http(): string | undefined {
    if (!isWritten(this.#readyFile)) return undefined;
    const { http } = JSON.parse(readFileSync(this.#readyFile, "utf8")) as { http: string | null };
    return http ?? undefined;
  }

  #dataFolders(): string[] {
    const { data, env, workingFolder } = this.#options;
    const listed = (env["GUMSHOE_DATA"] ?? "").split(delimiter).filter((folder) => folder !== "");
    return [
      workingFolder,
      MODELS,
      ...[...listed, ...data].map((one) => resolve(workingFolder, one)),
    ];
  }

  #sourceUrls(): string[] {
    const { sourceUrls, env } = this.#options;
    const listed = (env["GUMSHOE_SOURCE_URLS"] ?? "").split(",").filter((url) => url !== "");
    return [...listed, ...sourceUrls];
  }

  #workerSpecs(env: NodeJS.ProcessEnv): { role: WorkerRole; spec: ProcessSpec }[] {
    const { fleet, home } = this.#options;
    const numOf = [
      ["inference", fleet.inference],
      ["trainer", fleet.trainers],
      ["reducer", fleet.reducers],
    ] as const satisfies readonly (readonly [WorkerRole, number])[];
    let started = 0;
    return numOf.flatMap(([role, count]) =>
      Array.from({ length: count }, (_, i) => {
        const name = `${role}-${i + 1}`;
        const workerEnv = {
          ...env,
          GUMSHOE_ROLE: role,
          GUMSHOE_HOME: home.folder,
          GUMSHOE_COORDINATOR: this.#address,
          GUMSHOE_THREADS: String(fleet.threads),
          GUMSHOE_DEVICE: fleet.devices[started++ % fleet.devices.length],
          GUMSHOE_LISTEN: "127.0.0.1:0",
        };
        const args = [mainOf("worker")];
        const logFile = home.freshLog(name);
        const program = process.execPath;
        return { role, spec: { name, program, args, env: workerEnv, input: null, logFile } };
      }),
    );
  }

  /** Tells the coordinator how a worker ended; one that is away finds out by itself that the worker is gone. */
  async #reportEnd(worker: { role: WorkerRole; pid: number; end: string }): Promise<void> {
    // Loaded here for the same reason as the queue.
    const [{ RpcChannel }, { FleetService }] = await Promise.all([
      import("@gumshoe/rpc"),
      import("@gumshoe/protocol"),
    ]);
    const channel = new RpcChannel(this.#address, { token: this.#options.home.token() });
    const report = { ...worker, host: hostname(), end: worker.end.slice(0, MAX_END_CHARACTERS) };
    const call = channel.client(FleetService).reportEnd(report, { deadlineMs: REPORT_WITHIN_MS });
    await call.catch(() => undefined).finally(() => channel.close());
  }

  #spawn(spec: ProcessSpec, role: WorkerRole | null = null): SupervisedProcess {
    const { clock, onRestart } = this.#options;
    const child = new SupervisedProcess(spec, {
      guardian: this.#guardian,
      clock,
      listener: {
        onChange: () => this.#publish(),
        onRestart: (name, reason, pid) => {
          onRestart(name, reason);
          if (role !== null && pid !== null) void this.#reportEnd({ role, pid, end: reason });
        },
        onFailure: (error) => this.#failure.abort(error),
      },
    });
    child.start();
    return child;
  }

  /** Writes the cluster's address and processes for other commands. */
  #publish(): void {
    const all = [this.#redis, this.#coordinator, ...this.#workers];
    const processes = all.flatMap((child) =>
      child === null ? [] : [{ name: child.spec.name, pid: child.pid, log: child.spec.logFile }],
    );
    try {
      const record = { address: this.#address, http: this.#http(), pid: process.pid, processes };
      this.#options.home.writeCluster(record);
    } catch (thrown) {
      // The cluster itself continues: its runs wait for the disk and report that.
      if (!isDiskError(thrown)) throw thrown;
    }
  }

  async #untilRedisAnswers(port: number, signal: AbortSignal): Promise<void> {
    // Imported here, because it takes longer to load than commands without a cluster take to run.
    const { RedisLink } = await import("@gumshoe/queue");
    const link = await RedisLink.connect({
      url: this.#redisUrl(port),
      cluster: CLUSTER,
      waitMs: REDIS_WITHIN_MS,
      signal: AbortSignal.any([signal, this.failure]),
    });
    link.close();
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const giveUpAtMs = clock.monotonicMs() + READY_WITHIN_MS;
    const either = AbortSignal.any([signal, this.failure]);
    while (!isWritten(this.#readyFile)) {
      if (clock.monotonicMs() > giveUpAtMs) {
        const logFile = this.#coordinator?.spec.logFile ?? "";
        const complaint = lastComplaint(logFile) ?? "does not get ready";
        throw new ProcessFailedError("coordinator", complaint, logFile);
      }
      await clock.sleep(READY_POLL_MS, either);
    }
    this.#publish();
  }
}

function isWritten(path: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8").trim() !== "";
}

/** Returns the entry point of a package's process. */
function mainOf(packageName: "coordinator" | "worker"): string {
  const main = new URL("main.js", import.meta.resolve(`@gumshoe/${packageName}`));
  return fileURLToPath(bundledEntry(main));
}
