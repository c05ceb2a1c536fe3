import { openModelFolder } from "@gumshoe/engine";
import {
  type AssignRequest,
  type AssignResponse,
  parseTensorName,
  type ReducerService,
  type WriteCheckpointRequest,
  type WriteCheckpointResponse,
} from "@gumshoe/protocol";
import { type RpcHandlers } from "@gumshoe/rpc";
import { type HeldRange } from "@gumshoe/tensors";

import { type EngineThread } from "../engine/engine-thread.js";
import { OutOfOrderError, WrongPlanError } from "../errors.js";
import { type Channels } from "../host/channels.js";
import { Assignment } from "./assignment.js";
import { writeCheckpointRange } from "./checkpoint-file.js";
import { readMoments } from "./optimizer-file.js";
import { sharedFloats, toShared } from "./shared-floats.js";

/** What a reducer needs of its process. */
export interface ReducerRoleOptions {
  /** The coordinator's home, where checkpoints are written. */
  readonly home: string;
  readonly engine: EngineThread;
  readonly channels: Channels;
  /** Called with every vector of weights that can be pulled from now on. */
  readonly onPublished: (run: string, name: string, held: HeldRange) => void;
}

/** Serves ReducerService: owns one range of one run's parameters at a time. */
export class ReducerRole {
  readonly #options: ReducerRoleOptions;
  #assignment: Assignment | null = null;
  #assigning: { plan: string; answer: Promise<AssignResponse> } | null = null;
  stepsDone = 0;

  constructor(options: ReducerRoleOptions) {
    this.#options = options;
  }

  /** The newest weight version; 0 before the first assignment. */
  get version(): number {
    return this.#assignment?.version ?? 0;
  }

  /** Finds a published vector by run and tensor name; null when it is not here (any more). */
  published(run: string, name: string): HeldRange | null {
    const parsed = parseTensorName(name);
    const assignment = this.#assignment;
    if (parsed.type !== "weights" || assignment?.options.run !== run) return null;
    return assignment.published(parsed.version);
  }

  /** The handlers of ReducerService. */
  handlers(): RpcHandlers<typeof ReducerService> {
    return {
      assign: (request) => this.#assign(request),
      collect: async ({ plan, update, lane, address }) => {
        await this.#of(plan).collect(update, lane, address);
        return {};
      },
      norm: ({ plan, update, lanes }) => this.#of(plan).norm(update, lanes),
      step: async (request) => {
        const answer = await this.#of(request.plan).step(request);
        this.stepsDone += 1;
        return answer;
      },
      writeCheckpoint: (request) => this.#writeCheckpoint(request),
    };
  }

  async #assign(request: AssignRequest): Promise<AssignResponse> {
    if (this.#assigning?.plan === request.plan) return this.#assigning.answer;
    this.#assignment = null;
    const answer = this.#load(request);
    this.#assigning = { plan: request.plan, answer };
    answer.catch(() => {
      if (this.#assigning?.answer === answer) this.#assigning = null;
    });
    return answer;
  }

  async #load(request: AssignRequest): Promise<AssignResponse> {
    const { run, plan, start, end, folder, version, blockSize } = request;
    const { engine, channels, onPublished } = this.#options;
    const model = await openModelFolder(folder);
    const weights = toShared(await model.readParameters(start, end));
    await model.close();
    const moments = request.withOptimizer ? await readMoments(folder, start, end) : null;
    const { blockDigests } = await engine.call("assign", {
      master: weights,
      m: moments === null ? sharedFloats(end - start) : toShared(moments.m),
      v: moments === null ? sharedFloats(end - start) : toShared(moments.v),
    });
    if (this.#assigning?.plan !== plan)
      throw new WrongPlanError(plan, this.#assigning?.plan ?? null);
    this.#assignment = new Assignment({
      run,
      plan,
      start,
      end,
      blockSize,
      version,
      weights,
      blockDigests,
      engine,
      channels,
      onPublished: (name, held) => onPublished(run, name, held),
    });
    return { blockDigests };
  }

  async #writeCheckpoint(request: WriteCheckpointRequest): Promise<WriteCheckpointResponse> {
    const assignment = this.#of(request.plan);
    const { start, end } = assignment.options;
    const weights = assignment.published(request.version);
    if (request.version !== assignment.version || weights === null) {
      throw new OutOfOrderError(
        `version ${request.version} cannot be written, version ${assignment.version} is here`,
      );
    }
    const m = sharedFloats(end - start);
    const v = sharedFloats(end - start);
    await this.#options.engine.call("readMoments", { m, v });
    const { home } = this.#options;
    const { run } = assignment.options;
    const parts = [
      { file: request.weights, values: weights.values },
      { file: request.expAvg, values: new Float32Array(m) },
      { file: request.expAvgSq, values: new Float32Array(v) },
    ];
    for (const { file, values } of parts) {
      if (file !== undefined) await writeCheckpointRange({ home, run, file, start, values });
    }
    return { blockDigests: assignment.blockDigests };
  }

  #of(plan: string): Assignment {
    const assignment = this.#assignment;
    if (assignment === null || assignment.options.plan !== plan) {
      throw new WrongPlanError(plan, assignment?.options.plan ?? null);
    }
    return assignment;
  }
}
