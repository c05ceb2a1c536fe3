import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import {
  initialParameters,
  parameterLayout,
  parseModelConfig,
  readAssets,
  Tokenizer,
  writeModelFolder,
} from "@gumshoe/engine";
import { bundledEntry } from "@gumshoe/core";
import { RunResult } from "@gumshoe/config";
import {
  fromRunEvent,
  type RunEventBody,
  type RunEventOf,
  type RunEventType,
  RunService,
} from "@gumshoe/protocol";
import { RpcChannel, type RpcClient } from "@gumshoe/rpc";
import { RedisLink } from "@gumshoe/queue";

import {
  FakeInference,
  type FakeHome,
  type FakeHooks,
  FakeReducer,
  FakeTrainer,
} from "./fake-workers.js";
import { freePort, startRedis, type TestRedis } from "./redis-server.js";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = mainOf("coordinator");
const WORKER = mainOf("worker");
/** The token of fake clusters. */
export const TOKEN = "test-token";
const CLUSTER = "fake";
const POLL_MS = 5;

type Hand = { start(): Promise<void>; stop(): Promise<void> };

/** A real coordinator in a separate process and a real Redis, with fake workers. */
export class FakeCluster {
  readonly home = mkdtempSync(join(tmpdir(), "gumshoe-fake-"));
  readonly model = join(this.home, "model");
  readonly users: RpcClient<typeof RunService>;
  readonly workers: FakeHome;
  readonly #channel: RpcChannel;
  readonly #hands: Hand[] = [];
  #coordinator: ChildProcess | null = null;
  /** The log output of all coordinators. */
  log = "";

  private constructor(
    readonly redis: TestRedis,
    readonly link: RedisLink,
    readonly address: string,
  ) {
    this.#channel = new RpcChannel(address, { token: TOKEN });
    this.users = this.#channel.client(RunService);
    this.workers = { coordinator: this.#channel, redis: link, token: TOKEN, home: this.home };
  }

  /** Starts Redis and the coordinator, and makes a small model folder. */
  static async start(env: NodeJS.ProcessEnv = {}): Promise<FakeCluster> {
    const redis = await startRedis();
    const link = await RedisLink.connect({ url: redis.url, cluster: CLUSTER });
    const cluster = new FakeCluster(redis, link, `127.0.0.1:${await freePort()}`);
    await makeModel(cluster.model);
    await cluster.startCoordinator(env);
    return cluster;
  }

  /** Starts the coordinator; resolves when it serves. */
  async startCoordinator(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const ready = join(this.home, "ready.json");
    rmSync(ready, { force: true });
    const child = this.spawnCoordinator({ ...env, GUMSHOE_READY_FILE: ready });
    this.#coordinator = child;
    await until("the coordinator serves", () => {
      if (child.exitCode !== null) throw new Error(`the coordinator ended:\n${this.log}`);
      return existsSync(ready);
    });
    await this.#channel.ready(5000);
  }

  /** Starts another coordinator process. */
  spawnCoordinator(env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        GUMSHOE_LISTEN: this.address,
        GUMSHOE_TOKEN: TOKEN,
        GUMSHOE_REDIS_URL: this.redis.url,
        GUMSHOE_CLUSTER: CLUSTER,
        GUMSHOE_HOME: this.home,
        // No supervisor reports the end of fake workers.
        GUMSHOE_LOST_SECONDS: "3",
        GUMSHOE_DATA: [this.model, tmpdir(), ROOT].join(delimiter),
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr?.on("data", (data: Buffer) => (this.log += data.toString()));
    return child;
  }

  /** Starts a real trainer, which the caller ends. */
  spawnTrainer(env: NodeJS.ProcessEnv): ChildProcess {
    return spawn(process.execPath, [WORKER], {
      env: {
        PATH: process.env.PATH,
        GUMSHOE_ROLE: "trainer",
        GUMSHOE_COORDINATOR: this.address,
        GUMSHOE_TOKEN: TOKEN,
        GUMSHOE_REDIS_URL: this.redis.url,
        GUMSHOE_CLUSTER: CLUSTER,
        GUMSHOE_THREADS: "1",
        ...env,
      },
      stdio: "ignore",
    });
  }

  /** The process of the newest coordinator. */
  get coordinator(): ChildProcess {
    if (this.#coordinator === null) throw new Error("there is no coordinator");
    return this.#coordinator;
  }

  /** Ends the coordinator: SIGTERM for a clean stop, SIGKILL for a crash. */
  async endCoordinator(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#coordinator;
    this.#coordinator = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** Whether a coordinator runs. */
  get isRunning(): boolean {
    return this.#coordinator !== null;
  }

  /** Adds an inference worker. */
  async addInference(hooks: FakeHooks = {}): Promise<void> {
    await this.add(new FakeInference(this.workers, "inference-1", hooks));
  }

  /** Adds a worker of each kind, with the given number of reducers. */
  async addWorkers(hooks: FakeHooks = {}, reducers = 1): Promise<void> {
    await this.addInference(hooks);
    await this.add(new FakeTrainer(this.workers, "trainer-1", hooks));
    for (let i = 1; i <= reducers; i++)
      await this.add(new FakeReducer(this.workers, `reducer-${i}`));
  }

  async add<T extends Hand>(worker: T): Promise<T> {
    await worker.start();
    this.#hands.push(worker);
    return worker;
  }

  /** Submits a small run. */
  async submit(changes: Record<string, unknown> = {}): Promise<string> {
    const { name } = await this.users.submitRun({ config: this.config(changes) });
    return name;
  }

  /** The config of a small run, as JSON. */
  config(changes: Record<string, unknown> = {}): string {
    return JSON.stringify({
      name: "small",
      type: "grpo",
      seed: 5,
      model: this.model,
      iterations: 3,
      tasks: { source: { type: "generate", tier: "mini", seed: 1 }, perIteration: 4 },
      rollouts: { perTask: 4 },
      updatesPerIteration: 2,
      lanes: 2,
      optimizer: { lr: 0.01 },
      validation: { source: { type: "generate", tier: "mini", seed: 2 }, count: 3, every: 2 },
      checkpoint: { every: 2, keepLatest: 2 },
      ...changes,
    });
  }

  /** Waits for the end of a run, and returns its result. @throws the run's error */
  async result(name = "small"): Promise<RunResult> {
    let last: RunEventBody | undefined;
    for await (const message of this.users.watchRun({ name, fromEvent: 0, gatherMs: 0 })) {
      last = fromRunEvent(message)?.body;
    }
    if (last?.type === "run-failed" || last?.type === "run-stuck") throw new Error(last.error);
    if (last?.type === "run-cancelled") throw new Error("cancelled");
    return RunResult.parse(JSON.parse((await this.users.getRun({ name })).resultJson));
  }

  /** Executes a small run to its end. */
  async run(changes: Record<string, unknown> = {}): Promise<RunResult> {
    return this.result(await this.submit(changes));
  }

  /** The events in a run's ledger. */
  events(name = "small"): RunEventBody[] {
    return this.timedEvents(name).map(({ body }) => body);
  }

  /** The events in a run's ledger, with their times in ms since the epoch. */
  timedEvents(name = "small"): { at: number; body: RunEventBody }[] {
    const file = join(this.runFolder(name), "ledger/events.jsonl");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line.slice(9)) as { at: number; body: RunEventBody });
  }

  eventsOf<T extends RunEventType>(type: T, name = "small"): RunEventOf<T>[] {
    return this.events(name).filter((body): body is RunEventOf<T> => body.type === type);
  }

  /** Waits until a run's ledger holds a number of events of a type. */
  async untilEvents(type: RunEventType, count: number, name = "small"): Promise<void> {
    await until(`${count} ${type}`, () => this.eventsOf(type, name).length >= count);
  }

  runFolder(name = "small"): string {
    return join(this.home, "runs", name);
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await Promise.all(this.#hands.map((worker) => worker.stop()));
    this.#channel.close();
    await this.endCoordinator("SIGKILL");
    this.link.close();
    await this.redis.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}

function mainOf(name: "coordinator" | "worker"): string {
  const compiled = new URL(`../../packages/${name}/dist/main.js`, import.meta.url);
  return fileURLToPath(bundledEntry(compiled));
}

/** Waits until a condition holds. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > giveUpAt) throw new Error(`waited too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Creates a model of three parameter blocks, or fewer, with the rookie's tokenizer. */
export async function makeModel(folder: string, hiddenSize = 128): Promise<void> {
  const assets = await readAssets(join(ROOT, "models/rookie"));
  const tokenizer = Tokenizer.fromAssets(assets);
  const json = {
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    torch_dtype: "float32",
    vocab_size: tokenizer.vocabularySize,
    hidden_size: hiddenSize,
    intermediate_size: 192,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: true,
    eos_token_id: tokenizer.stopTokenIds[0],
  };
  const shape = parseModelConfig(json);
  await writeModelFolder(folder, {
    assets: { ...assets, "config.json": JSON.stringify(json) },
    layout: parameterLayout(shape),
    parameters: initialParameters(shape, 3),
  });
}
