/**
 * The environment of a worker in one process: a gRPC server with the services of coordinator and
 * reducers, real model files and real weights, for the real roles of a worker on a real engine
 * thread.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger, systemClock } from "@gumshoe/core";
import {
  initialAdapter,
  initialParameters,
  parseModelConfig,
  readAssets,
  Tokenizer,
  withAdapter,
} from "@gumshoe/engine";
import { openEnvironment } from "@gumshoe/environments";
import { RunConfig } from "@gumshoe/config";
import {
  type CompleteLaneRequest,
  type GroupSpec,
  type Lane,
  PackService,
  ReducerService,
  RolloutService,
  type RunAssets,
  runAssetsDigest,
  type SubmitGroupRequest,
  tokensToBytes,
} from "@gumshoe/protocol";
import { RpcChannel, RpcServer } from "@gumshoe/rpc";
import { bytesToFloats, TensorService } from "@gumshoe/protocol";
import {
  blockDigests,
  heldVector,
  RegionDirectory,
  serveTensor,
  weightDigest,
} from "@gumshoe/tensors";
import { createEnvironment, taskToJson } from "@gumshoe/puzzles";

// The engine's thread runs as shipped, from the built package.
import { EngineThread } from "../../packages/worker/dist/engine/engine-thread.js";
import { Channels } from "../../packages/worker/dist/host/channels.js";
import { RolloutRole } from "../../packages/worker/dist/inference/rollout-role.js";
import { EngineSession } from "../../packages/worker/dist/session/engine-session.js";
import { GradientRole } from "../../packages/worker/dist/trainer/gradient-role.js";
import { ROOT } from "./fake-cluster.js";

const TOKEN = "rig";

/**
 * Points at which a job can be disturbed: before a call to the server or the engine, or after
 * sampling.
 */
export const POINTS = [
  "fetch",
  "assets",
  "loadModel",
  "weights",
  "setWeights",
  "compute",
  "computed",
  "hand-in",
] as const;
/** A point at which a job can be disturbed. */
export type Point = (typeof POINTS)[number];

/** A run that the server serves. */
export interface RigRun {
  readonly name: string;
  readonly assets: RunAssets;
  readonly weights: { readonly version: number; readonly digest: string };
  /** The trained weights. */
  readonly parameters: Float32Array;
  /** The frozen weights of a run that trains an adapter; null for other runs. */
  readonly base: Float32Array | null;
}

function rigConfig(name: string, seed: number, lora: RunConfig["lora"] = null): RunConfig {
  return RunConfig.parse({
    type: "grpo",
    name,
    model: "none",
    seed,
    lora,
    tasks: { source: { type: "generate", tier: "mini", seed: 1 } },
  });
}

/** Creates a run with the rookie's tokenizer, a small model and its own weights. */
export async function rigRun(
  name: string,
  more: { seed: number; hiddenSize?: number; lora?: RunConfig["lora"] },
): Promise<RigRun> {
  const files = await readAssets(join(ROOT, "models/rookie"));
  const tokenizer = Tokenizer.fromAssets(files);
  const model = {
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    vocab_size: tokenizer.vocabularySize,
    hidden_size: more.hiddenSize ?? 32,
    intermediate_size: 48,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    hidden_act: "silu",
    tie_word_embeddings: true,
    eos_token_id: tokenizer.stopTokenIds[0],
  };
  const { seed, lora = null } = more;
  const shape = withAdapter(parseModelConfig(model), lora);
  const own = initialParameters(shape, lora === null ? seed : 1, 0.2);
  const parameters = lora === null ? own : initialAdapter(shape, seed);
  const base = lora === null ? null : own;
  const config = rigConfig(name, lora === null ? seed : 1, lora);
  return {
    name,
    assets: {
      configJson: JSON.stringify(config),
      modelFiles: { ...files, "config.json": JSON.stringify(model) },
      baseDigest: base === null ? "" : digestOf(base),
    },
    weights: { version: 5, digest: digestOf(parameters) },
    parameters,
    base,
  };
}

function digestOf(values: Float32Array): string {
  return weightDigest(blockDigests(values));
}

/** An engine thread that runs a test's action before its calls. */
class DisturbedEngine extends EngineThread {
  disturb: (point: Point) => void = () => undefined;

  override async call<C extends Parameters<EngineThread["call"]>[0]>(
    ...[call, argument, signal]: Parameters<EngineThread["call"]>
  ): Promise<never> {
    if (call === "loadModel" || call === "setWeights") this.disturb(call);
    const answer = super.call(call as C, argument, signal);
    const computes = call === "sample" || call === "gradient";
    if (computes) {
      try {
        this.disturb("compute");
      } catch (error) {
        await answer.catch(() => undefined);
        throw error;
      }
    }
    const value = await answer;
    if (computes) this.disturb("computed");
    return value as never;
  }
}

/** One worker of each job role, each with its own engine, and the server. */
export class WorkerRig {
  readonly submitted: SubmitGroupRequest[] = [];
  readonly completed: CompleteLaneRequest[] = [];
  readonly gradients: Float32Array[] = [];
  #numGroups = 0;
  /** Runs by name: the coordinator has one run per name. */
  readonly #runs = new Map<string, RigRun>();
  readonly #server = new RpcServer({ token: TOKEN });
  readonly #engines: DisturbedEngine[] = [];
  readonly #sessions: EngineSession[] = [];
  readonly #channels = new Channels({ token: TOKEN, tls: null });
  readonly #task = createEnvironment({ type: "generate", tier: "mini", style: "clear", seed: 1 })
    .source()
    .task(0);
  #disturb: (point: Point) => void = () => undefined;
  #address = "";
  readonly #roots: string[] = [];
  #sharedRoot: string | null = null;
  /** Streams of weights that were asked for. */
  numPulls = 0;
  #environmentDigest = "";
  #coordinator: RpcChannel | null = null;
  rollouts: RolloutRole | null = null;
  gradientRole: GradientRole | null = null;

  /** @param sharedRoot  where all roles find each other's regions; default: each role is alone */
  static async start(sharedRoot: string | null = null): Promise<WorkerRig> {
    const rig = new WorkerRig();
    rig.#sharedRoot = sharedRoot;
    const environment = await openEnvironment(rigConfig("any", 1), "train");
    rig.#environmentDigest = environment?.digest ?? "";
    rig.#serve();
    rig.#address = await rig.#server.listen("127.0.0.1:0");
    const channel = new RpcChannel(rig.#address, { token: TOKEN });
    rig.#coordinator = channel;
    const common = { workerId: "w", rollouts: channel.client(RolloutService) };
    const logger = createLogger("rig", "silent");
    const sampling = rig.#session(false);
    rig.rollouts = new RolloutRole({ ...common, ...sampling, clock: systemClock, logger });
    rig.gradientRole = new GradientRole({
      ...common,
      ...rig.#session(true),
      packs: channel.client(PackService),
      clock: systemClock,
      channels: rig.#channels,
      directory: rig.#directory(),
      address: rig.#address,
    });
    return rig;
  }

  /** Serves a run, instead of an earlier one of the same name. */
  serve(run: RigRun): void {
    this.#runs.set(run.name, run);
  }

  /** Samples a group of a run; returns the submission. */
  async sample(run: string, signal = new AbortController().signal): Promise<SubmitGroupRequest> {
    const groupKey = `0/train/${this.#numGroups++}`;
    const job = { run, groupKey, kind: "train" } as const;
    await this.rollouts?.handle(job, { key: `${run}/${groupKey}`, attempt: 1, signal });
    const group = this.submitted.find((one) => one.groupKey === groupKey);
    if (group === undefined) throw new Error("nothing was handed in");
    return group;
  }

  /** Computes a lane of a run; returns the report and the collected gradient. */
  async train(run: string, signal = new AbortController().signal) {
    const before = this.completed.length;
    const job = { run, update: 5, lane: 0, plan: "p" };
    await this.gradientRole?.handle(job, { key: `${run}/p/5/0`, attempt: 1, signal });
    return { report: this.completed[before], gradient: this.gradients.at(-1) };
  }

  /**
   * Calls `act` the next time that a job reaches a point; an error that it throws fails that step.
   */
  disturbOnce(wanted: Point, act: () => void): void {
    const disturb = (point: Point): void => {
      if (point !== wanted) return;
      this.#setDisturb(() => undefined);
      act();
    };
    this.#setDisturb(disturb);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.stop()));
    for (const session of this.#sessions) session.release();
    this.#channels.close();
    this.#coordinator?.close();
    await this.#server.stop(0);
    for (const root of this.#roots) rmSync(root, { recursive: true, force: true });
  }

  #setDisturb(disturb: (point: Point) => void): void {
    this.#disturb = disturb;
    for (const engine of this.#engines) engine.disturb = disturb;
  }

  #session(training: boolean) {
    const engine = new DisturbedEngine(
      { device: { type: "cpu" }, threads: 1, environment: {}, fault: null },
      () => undefined,
    );
    this.#engines.push(engine);
    const logger = createLogger("rig", "silent");
    const directory = this.#directory();
    const options = { engine, channels: this.#channels, directory, training, logger };
    const session = new EngineSession(options);
    this.#sessions.push(session);
    return { engine, session };
  }

  /** Unless roles share one, every weight version is pulled. */
  #directory(): RegionDirectory {
    const root = this.#sharedRoot ?? mkdtempSync(join(tmpdir(), "gumshoe-rig-"));
    if (this.#sharedRoot === null) this.#roots.push(root);
    return new RegionDirectory({ isShared: true, logger: createLogger("rig", "silent"), root });
  }

  #run(name: string): RigRun {
    const run = this.#runs.get(name);
    if (run === undefined) throw new Error(`no run ${name}`);
    return run;
  }

  #serve(): void {
    this.#server.serve(RolloutService, {
      getRunAssets: async ({ run }) => {
        this.#disturb("assets");
        return this.#run(run).assets;
      },
      fetchGroup: async ({ run, groupKey }) => {
        this.#disturb("fetch");
        return { ...this.#spec(this.#run(run)), groupKey };
      },
      submitGroup: async (request) => {
        this.#disturb("hand-in");
        this.submitted.push(request);
        return {};
      },
    });
    this.#server.serve(PackService, {
      fetchLane: async ({ run }) => {
        this.#disturb("fetch");
        return this.#lane(this.#run(run));
      },
      completeLane: async (request) => {
        this.completed.push(request);
        return {};
      },
    });
    this.#server.serve(TensorService, {
      pullTensor: (request) => {
        this.#disturb("weights");
        if (request.hostId === "") this.numPulls += 1;
        const { parameters, base } = this.#run(request.run);
        const values = request.name === "base" ? (base ?? new Float32Array(0)) : parameters;
        return serveTensor(request, heldVector(0, values));
      },
    });
    this.#serveReducer();
  }

  /** Serves Collect as a reducer does; the tests make no other call to it. */
  #serveReducer(): void {
    const unused = () => Promise.reject(new Error("not called by a trainer"));
    this.#server.serve(ReducerService, {
      assign: unused,
      norm: unused,
      step: unused,
      writeCheckpoint: unused,
      setReference: unused,
      collect: async ({ plan, update, lane }) => {
        this.#disturb("hand-in");
        const held = this.gradientRole?.offered(`gradient/${plan}/${update}/${lane}`) ?? null;
        if (held === null) throw new Error("the gradient is not offered");
        this.gradients.push((await held.read(held.start, held.end)).slice());
        return {};
      },
    });
  }

  #sources(run: RigRun) {
    return [{ address: this.#address, start: 0, end: run.parameters.length }];
  }

  #spec(run: RigRun): GroupSpec {
    const tokenizer = Tokenizer.fromAssets(run.assets.modelFiles);
    return {
      run: run.name,
      groupKey: "",
      iteration: 0,
      taskJson: Buffer.from(taskToJson(this.#task)),
      promptTokens: tokensToBytes(tokenizer.encodeChat(this.#task.messages)),
      count: 6,
      temperature: 1,
      maxAnswerTokens: 12,
      stopTokens: [...tokenizer.stopTokenIds],
      seed: [1, 2, 3],
      earlyStop: undefined,
      weights: run.weights,
      weightSources: this.#sources(run),
      assetsDigest: runAssetsDigest(run.assets),
      environmentDigest: this.#environmentDigest,
    };
  }

  #lane(run: RigRun): Lane {
    const answer = { rollout: 0, tokens: tokensToBytes([5, 6, 7]), logprobs: Buffer.alloc(12) };
    const pack = {
      groupKey: "0/train/0",
      promptTokens: tokensToBytes([3, 4, 5]),
      answers: [{ ...answer, advantage: 1, weight: 0.5, segments: [] }],
    };
    return {
      run: run.name,
      update: 5,
      lane: 0,
      weights: run.weights,
      weightSources: this.#sources(run),
      reducers: this.#sources(run),
      packs: [pack],
      temperature: 1,
      expectExact: false,
      plan: "p",
      assetsDigest: runAssetsDigest(run.assets),
    };
  }
}

/** Returns the log-probs of a submitted group, all answers in order. */
export function logprobsOf({ rollouts }: SubmitGroupRequest): number[] {
  return rollouts.flatMap(({ logprobs }) => [...bytesToFloats(logprobs)]);
}
