import { readWeights } from "@gumshoe/engine";
import {
  formatTensorName,
  type NormResponse,
  type SetReferenceRequest,
  type SetReferenceResponse,
  type StepRequest,
  type StepResponse,
} from "@gumshoe/protocol";
import {
  findTensorFile,
  type HeldRange,
  pullTensor,
  Region,
  type RegionDirectory,
} from "@gumshoe/tensors";

import type { EngineThread } from "../engine/engine-thread.js";
import { OutOfOrderError, WrongPlanError } from "../errors.js";
import type { Channels } from "../host/channels.js";
import { type LaneSource, LaneSum } from "./lane-sum.js";
import { ServedReference } from "./served-reference.js";
import type { TrainedFolder } from "./trained-folder.js";

/** How long a lane waits for the lanes before it, in ms: about the difference between lanes of equal length. */
const TURN_MS = 2000;

/** Definition of an assignment. */
export interface AssignmentOptions {
  readonly run: string;
  readonly plan: string;
  readonly start: number;
  readonly end: number;
  readonly blockSize: number;
  /** The folder that they come from; closed with the assignment. */
  readonly source: TrainedFolder;
  /** Number of updates in the initial weights. */
  readonly version: number;
  /** The region with the initial weights of the range. */
  readonly weights: Region;
  readonly blockDigests: string[];
  readonly engine: EngineThread;
  readonly channels: Channels;
  readonly directory: RegionDirectory;
}

/** Names the region into which the reducers of one machine write a weight version. */
export function regionName(plan: string, version: number): string {
  return `next-${plan.replaceAll(/[^\w-]/g, "_").slice(0, 100)}-${version}`;
}

/**
 * A range of one run's parameters under one plan: adds lanes as they arrive, takes optimizer steps, publishes
 * weights.
 *
 * - Every request may be repeated: the second one gets the same reply and does nothing.
 * - The next version is written into a region that the reducers of this machine share and that engines map.
 */
export class Assignment {
  readonly options: AssignmentOptions;
  #version: number;
  #blockDigests: string[];
  /** The regions of the versions that can be pulled; none once the assignment is closed. */
  readonly #weights = new Map<number, Region>();
  #lanes = new LaneSum(TURN_MS);
  #isClosed = false;
  #norm: { update: number; answer: Promise<NormResponse> } | null = null;
  #step: { update: number; answer: Promise<StepResponse> } | null = null;
  #reference: { version: number; answer: Promise<SetReferenceResponse> } | null = null;
  #served: ServedReference | null = null;

  constructor(options: AssignmentOptions) {
    this.options = options;
    this.#version = options.version;
    this.#blockDigests = options.blockDigests;
    this.#weights.set(options.version, options.weights);
  }

  /** The newest version. */
  get version(): number {
    return this.#version;
  }

  /** Digests of the newest version's blocks. */
  get blockDigests(): string[] {
    return this.#blockDigests;
  }

  /** Returns a published version: the newest, or one that the last step kept; null for any other. */
  published(version: number): HeldRange | null {
    const region = this.#weights.get(version);
    if (region === undefined) return null;
    const { start, end, source } = this.options;
    const { form } = source;
    const read = (from: number, to: number): Float32Array => {
      const values = new Float32Array(to - from);
      readWeights(form, region.values, values, from);
      return values;
    };
    return { start, end, read, file: region.file };
  }

  /** The reference weights of this version; null if others are served, or none. */
  reference(version: number): HeldRange | null {
    return this.#served?.version === version ? this.#served.range : null;
  }

  /** Serves the reference weights in a folder; returns the digests of this range's blocks. */
  async setReference(request: SetReferenceRequest): Promise<SetReferenceResponse> {
    const { version } = request;
    if (this.#reference?.version === version) return this.#reference.answer;
    const answer = this.#openReference(request);
    this.#reference = { version, answer };
    answer.catch(() => {
      if (this.#reference?.answer === answer) this.#reference = null;
    });
    return answer;
  }

  /** Adds one lane's gradient for this range, unless it was added or is being added. */
  async collect(update: number, lane: number, address: string): Promise<void> {
    // The lane belongs to an earlier update: the trainer only missed the reply.
    if (update < this.#version) return;
    this.#expect(update);
    await this.#lanes.take(lane, this.#source(update, lane, address));
  }

  /** Returns the sums of squares of all lanes' sum. */
  async norm(update: number, numLanes: number): Promise<NormResponse> {
    if (this.#norm?.update === update) return this.#norm.answer;
    this.#expect(update);
    const answer = this.#sumSquares(numLanes);
    this.#norm = { update, answer };
    answer.catch(() => {
      if (this.#norm?.answer === answer) this.#norm = null;
    });
    return answer;
  }

  /** Applies the optimizer and publishes the next version; drops older ones unless the request keeps them. */
  async step(request: StepRequest): Promise<StepResponse> {
    const { update } = request;
    if (this.#step?.update === update) return this.#step.answer;
    this.#expect(update);
    if (this.#norm?.update !== update) throw new OutOfOrderError(`update ${update} was not summed`);
    const answer = this.#move(request);
    this.#step = { update, answer };
    return answer;
  }

  /** Closes all regions and files. Lanes in progress are no longer added, since the engine's shard is replaced. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#freeWeights([]);
    this.#served?.close();
    this.#served = null;
    // A range of the base that is being read fails, and is asked for elsewhere.
    void this.options.source.close();
  }

  async #openReference(request: SetReferenceRequest): Promise<SetReferenceResponse> {
    const { start, end, plan } = this.options;
    const opened = await ServedReference.open(request);
    if (this.#isClosed) {
      opened.close();
      throw new WrongPlanError(plan, null);
    }
    this.#served?.close();
    this.#served = opened;
    return { blockDigests: await opened.blockDigests(start, end) };
  }

  #source(update: number, lane: number, address: string): LaneSource {
    const { start } = this.options;
    const hold = async () => {
      const region = await this.#copy(update, lane, address);
      const add = (isFirst: boolean) => this.#add(region, { isFirst, from: start });
      return { add };
    };
    const add = async (isFirst: boolean): Promise<void> => {
      const region = await this.#mapped(update, lane, address);
      if (region !== null) await this.#add(region, { isFirst, from: 0 });
      else await (await hold()).add(isFirst);
    };
    return { add, hold };
  }

  /** Adds the gradient in a region that begins at element `from` of the vector, then closes the region. */
  async #add(region: Region, { isFirst, from }: { isFirst: boolean; from: number }): Promise<void> {
    const { engine, plan } = this.options;
    try {
      if (this.#isClosed) throw new WrongPlanError(plan, null);
      const { memory: lane, elements } = region;
      await engine.call("addLane", { isFirst, lane, elements, from });
    } finally {
      region.close();
    }
  }

  /** Opens the region in which a trainer of this machine offers its gradient; null on another machine. */
  async #mapped(update: number, lane: number, address: string): Promise<Region | null> {
    const { source, channels, directory } = this.options;
    if (!directory.isShared) return null;
    const file = await findTensorFile(channels.to(address), this.#request(update, lane));
    if (file === null) return null;
    const region = Region.open(file.path, source.form.numParameters, file.inode);
    if (region === null) directory.warnOnce("a trainer's region cannot be opened");
    return region;
  }

  /** Copies a lane's gradient for this range. */
  async #copy(update: number, lane: number, address: string): Promise<Region> {
    const { start, end, channels } = this.options;
    const region = Region.create(end - start, { isShared: this.options.directory.isShared });
    try {
      await pullTensor(channels.to(address), this.#request(update, lane), region.values);
      region.unmap();
      return region;
    } catch (error) {
      region.close();
      throw error;
    }
  }

  #request(update: number, lane: number) {
    const { run, plan, start, end } = this.options;
    const name = formatTensorName({ type: "gradient", plan, update, lane });
    return { run, name, start, end };
  }

  async #sumSquares(numLanes: number): Promise<NormResponse> {
    this.#lanes.check(numLanes);
    const { engine, blockSize } = this.options;
    const sums = await engine.call("sumSquares", { blockSize });
    return { blockSums: [...sums] };
  }

  async #move(request: StepRequest): Promise<StepResponse> {
    const { lr, beta1, beta2, eps, weightDecay, gradScale, update, keepVersions } = request;
    const { engine, directory, plan, source } = this.options;
    const step = { lr, beta1, beta2, eps, weightDecay, gradScale, step: update + 1 };
    const { region } = directory.join(regionName(plan, update + 1), source.form.length);
    const { blockDigests } = await engine.call("step", { step, into: region.memory });
    this.#lanes = new LaneSum(TURN_MS);
    this.#freeWeights(keepVersions);
    this.#version = update + 1;
    this.#blockDigests = blockDigests;
    this.#weights.set(this.#version, region);
    return { blockDigests };
  }

  /** Closes the regions of all versions but some. */
  #freeWeights(kept: readonly number[]): void {
    const { directory, plan } = this.options;
    for (const [version, region] of this.#weights) {
      if (kept.includes(version)) continue;
      directory.withdraw(regionName(plan, version));
      region.close();
      this.#weights.delete(version);
    }
  }

  #expect(update: number): void {
    if (update !== this.#version) {
      throw new OutOfOrderError(`update ${update} was asked for, update ${this.#version} is due`);
    }
  }
}
