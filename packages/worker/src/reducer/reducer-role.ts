import { type WeightForm, writeWeights } from "@gumshoe/engine";
import {
  type AssignRequest,
  type AssignResponse,
  parseTensorName,
  type ReducerService,
  type WriteCheckpointRequest,
  type WriteCheckpointResponse,
} from "@gumshoe/protocol";
import type { RpcHandlers } from "@gumshoe/rpc";
import type { HeldRange, Region, RegionDirectory } from "@gumshoe/tensors";

import type { EngineThread } from "../engine/engine-thread.js";
import { OutOfOrderError, WrongPlanError } from "../errors.js";
import type { Channels } from "../host/channels.js";
import { Assignment, regionName } from "./assignment.js";
import { writeCheckpointRange } from "./checkpoint-file.js";
import { type MomentsFile, openMoments } from "./optimizer-file.js";
import { openTrainedFolder } from "./trained-folder.js";

/** Elements that are read from a file at a time. */
const READ_AT_ONCE = 1 << 20;

/** Dependencies of a reducer. */
export interface ReducerRoleOptions {
  /** The coordinator's home, where checkpoints are written. */
  readonly home: string;
  readonly engine: EngineThread;
  readonly channels: Channels;
  readonly directory: RegionDirectory;
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

  /** Returns a published vector by run and tensor name; null if it is not held (any more). */
  published(run: string, name: string): HeldRange | null {
    const parsed = parseTensorName(name);
    const assignment = this.#assignment;
    if (assignment?.options.run !== run) return null;
    switch (parsed.type) {
      case "weights":
        return assignment.published(parsed.version);
      case "base":
        return assignment.options.source.base;
      case "reference":
        return assignment.reference(parsed.version);
      case "gradient":
        return null;
      default:
        return parsed satisfies never;
    }
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
      setReference: (request) => this.#of(request.plan).setReference(request),
    };
  }

  async #assign(request: AssignRequest): Promise<AssignResponse> {
    if (this.#assigning?.plan === request.plan) return this.#assigning.answer;
    this.#drop();
    const answer = this.#load(request);
    this.#assigning = { plan: request.plan, answer };
    answer.catch(() => {
      if (this.#assigning?.answer === answer) this.#assigning = null;
    });
    return answer;
  }

  async #load(request: AssignRequest): Promise<AssignResponse> {
    const { run, plan, start, end, folder, baseFolder, version, blockSize } = request;
    const { engine, channels, directory } = this.#options;
    const source = await openTrainedFolder(folder, baseFolder);
    let weights: Region | null = null;
    let moments: MomentsFile | null = null;
    let isAssigned = false;
    try {
      const { form, configJson, adapter } = source;
      moments = request.withOptimizer ? await openMoments(folder) : null;
      weights = directory.join(regionName(plan, version), form.length).region;
      await readInto(weights, form, { start, end, read: moments?.readMaster ?? source.read });
      const { blockDigests } = await engine.call("assign", {
        configJson,
        adapter,
        start,
        end,
        weights: weights.memory,
      });
      if (moments !== null) await this.#takeMoments(moments, start, end);
      if (this.#assigning?.plan !== plan)
        throw new WrongPlanError(plan, this.#assigning?.plan ?? null);
      const range = { run, plan, start, end, blockSize, source, version, weights, blockDigests };
      this.#assignment = new Assignment({ ...range, engine, channels, directory });
      isAssigned = true;
      return { blockDigests };
    } catch (error) {
      directory.withdraw(regionName(plan, version));
      weights?.close();
      throw error;
    } finally {
      await moments?.close();
      if (!isAssigned) await source.close();
    }
  }

  async #takeMoments(file: MomentsFile, start: number, end: number): Promise<void> {
    for (let at = start; at < end; at += READ_AT_ONCE) {
      const moments = await file.read(at, Math.min(end, at + READ_AT_ONCE));
      await this.#options.engine.call("writeMoments", { at: at - start, ...moments });
    }
  }

  async #writeCheckpoint(request: WriteCheckpointRequest): Promise<WriteCheckpointResponse> {
    const assignment = this.#of(request.plan);
    const { run, start, end } = assignment.options;
    const weights = assignment.published(request.version);
    if (request.version !== assignment.version || weights === null) {
      throw new OutOfOrderError(
        `version ${request.version} cannot be written, version ${assignment.version} is here`,
      );
    }
    const { home, engine } = this.#options;
    const moment = (name: "m" | "v") => async (from: number, to: number) => {
      const moments = await engine.call("readMoments", { at: from - start, length: to - from });
      return moments[name];
    };
    const readWeights = async (from: number, to: number) => weights.read(from, to);
    const parts = [
      { file: request.weights, read: readWeights },
      { file: request.master, read: readWeights },
      { file: request.expAvg, read: moment("m") },
      { file: request.expAvgSq, read: moment("v") },
    ];
    for (const { file, read } of parts) {
      if (file !== undefined) await writeCheckpointRange({ home, run, file, start, end, read });
    }
    return { blockDigests: assignment.blockDigests };
  }

  /** Closes all regions. */
  close(): void {
    this.#drop();
  }

  #drop(): void {
    this.#assignment?.close();
    this.#assignment = null;
  }

  #of(plan: string): Assignment {
    const assignment = this.#assignment;
    if (assignment === null || assignment.options.plan !== plan) {
      throw new WrongPlanError(plan, assignment?.options.plan ?? null);
    }
    return assignment;
  }
}

/** Copies a range of weights into a region, in pieces. */
async function readInto(
  region: Region,
  form: WeightForm,
  { start, end, read }: { start: number; end: number; read: ReadRange },
): Promise<void> {
  for (let at = start; at < end; at += READ_AT_ONCE) {
    const values = await read(at, Math.min(end, at + READ_AT_ONCE));
    writeWeights(form, region.values, values, at);
  }
  region.unmap();
}

type ReadRange = (start: number, end: number) => Promise<Float32Array>;
