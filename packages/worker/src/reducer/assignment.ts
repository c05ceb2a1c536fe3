import {
  formatTensorName,
  type NormResponse,
  type StepRequest,
  type StepResponse,
} from "@gumshoe/protocol";
import { type HeldRange, pullTensor } from "@gumshoe/tensors";

import { type EngineThread } from "../engine/engine-thread.js";
import { OutOfOrderError } from "../errors.js";
import { type Channels } from "../host/channels.js";
import { sharedFloats } from "./shared-floats.js";

/** What an assignment is. */
export interface AssignmentOptions {
  readonly run: string;
  readonly plan: string;
  readonly start: number;
  readonly end: number;
  readonly blockSize: number;
  /** Updates that the first weights have seen. */
  readonly version: number;
  /** The first weights of the range. */
  readonly weights: SharedArrayBuffer;
  readonly blockDigests: string[];
  readonly engine: EngineThread;
  readonly channels: Channels;
  /** Called with every version that can be pulled from now on, by its tensor name. */
  readonly onPublished: (name: string, held: HeldRange) => void;
}

/**
 * A range of one run's parameters under one plan: collects lanes, sums them, steps, publishes.
 *
 * Every request may come twice: what was answered once is answered again without being done again.
 */
export class Assignment {
  readonly options: AssignmentOptions;
  #version: number;
  #blockDigests: string[];
  readonly #published = new Map<number, SharedArrayBuffer>();
  readonly #lanes = new Map<number, Promise<SharedArrayBuffer>>();
  #norm: { update: number; answer: Promise<NormResponse> } | null = null;
  #step: { update: number; answer: Promise<StepResponse> } | null = null;

  constructor(options: AssignmentOptions) {
    this.options = options;
    this.#version = options.version;
    this.#blockDigests = options.blockDigests;
    this.#publish(options.version, options.weights);
  }

  /** The newest version. */
  get version(): number {
    return this.#version;
  }

  /** Digests of the newest version's blocks. */
  get blockDigests(): string[] {
    return this.#blockDigests;
  }

  /** Finds a published version; null when it was freed or never made. */
  published(version: number): HeldRange | null {
    const memory = this.#published.get(version);
    if (memory === undefined) return null;
    return { start: this.options.start, values: new Float32Array(memory) };
  }

  /** Pulls one lane's gradient for this range, unless it is held or on its way. */
  async collect(update: number, lane: number, address: string): Promise<void> {
    // A lane of an update that was made already: the trainer only missed the answer.
    if (update < this.#version) return;
    this.#expect(update);
    let pulled = this.#lanes.get(lane);
    if (pulled === undefined) {
      pulled = this.#pull(update, lane, address);
      this.#lanes.set(lane, pulled);
      pulled.catch(() => {
        if (this.#lanes.get(lane) === pulled) this.#lanes.delete(lane);
      });
    }
    await pulled;
  }

  /** Sums the lanes in lane order. */
  async norm(update: number, numLanes: number): Promise<NormResponse> {
    if (this.#norm?.update === update) return this.#norm.answer;
    this.#expect(update);
    const answer = this.#sumLanes(numLanes);
    this.#norm = { update, answer };
    answer.catch(() => {
      if (this.#norm?.answer === answer) this.#norm = null;
    });
    return answer;
  }

  /** Applies the optimizer and publishes the next version. */
  async step(request: StepRequest): Promise<StepResponse> {
    const { update } = request;
    if (this.#step?.update === update) return this.#step.answer;
    this.#expect(update);
    if (this.#norm?.update !== update) throw new OutOfOrderError(`update ${update} was not summed`);
    const answer = this.#move(request);
    this.#step = { update, answer };
    return answer;
  }

  async #pull(update: number, lane: number, address: string): Promise<SharedArrayBuffer> {
    const { run, plan, start, end, channels } = this.options;
    const memory = sharedFloats(end - start);
    const name = formatTensorName({ type: "gradient", plan, update, lane });
    const request = { run, name, start, end, digest: "" };
    await pullTensor(channels.to(address), request, new Float32Array(memory));
    return memory;
  }

  async #sumLanes(numLanes: number): Promise<NormResponse> {
    const lanes: SharedArrayBuffer[] = [];
    for (let lane = 0; lane < numLanes; lane++) {
      const memory = await this.#lanes.get(lane);
      if (memory === undefined) throw new OutOfOrderError(`lane ${lane} was not collected`);
      lanes.push(memory);
    }
    const { engine, blockSize } = this.options;
    const sums = await engine.call("sumLanes", { lanes, blockSize });
    return { blockSums: [...sums] };
  }

  async #move(request: StepRequest): Promise<StepResponse> {
    const { lr, beta1, beta2, eps, weightDecay, gradScale, update } = request;
    const into = sharedFloats(this.options.end - this.options.start);
    const step = { lr, beta1, beta2, eps, weightDecay, gradScale, step: update + 1 };
    const { blockDigests } = await this.options.engine.call("step", { step, into });
    this.#lanes.clear();
    this.#version = update + 1;
    this.#blockDigests = blockDigests;
    this.#publish(this.#version, into);
    for (const version of this.#published.keys()) {
      if (version !== this.#version && !request.retain.includes(version)) {
        this.#published.delete(version);
      }
    }
    return { blockDigests };
  }

  #publish(version: number, weights: SharedArrayBuffer): void {
    const { start, onPublished } = this.options;
    this.#published.set(version, weights);
    const name = formatTensorName({ type: "weights", version });
    onPublished(name, { start, values: new Float32Array(weights) });
  }

  #expect(update: number): void {
    if (update !== this.#version) {
      throw new OutOfOrderError(`update ${update} was asked for, update ${this.#version} is due`);
    }
  }
}
