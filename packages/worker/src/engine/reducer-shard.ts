import {
  ParameterShard,
  parseModelConfig,
  trainableForm,
  type WeightForm,
  withAdapter,
} from "@gumshoe/engine";
import type { Device } from "@gumshoe/kernels";

import type { EngineCalls } from "./calls.js";
import { PlacedRegion } from "./placed-region.js";
import { digestsOf } from "./tensor-digests.js";

type Argument<C extends keyof EngineCalls> = EngineCalls[C]["argument"];
type Answer<C extends keyof EngineCalls> = EngineCalls[C]["answer"];

/** A shard, and the region with its newest weights. */
interface Shard {
  readonly parameters: ParameterShard;
  readonly form: WeightForm;
  readonly start: number;
  readonly end: number;
  readonly placed: PlacedRegion;
}

/** The range of trained parameters that a reducer owns, on its device: at most one at a time. */
export class ReducerShard {
  readonly #device: Device;
  #shard: Shard | null = null;

  constructor(device: Device) {
    this.#device = device;
  }

  assign(argument: Argument<"assign">): Answer<"assign"> {
    this.dispose();
    const { configJson, adapter, start, end, weights } = argument;
    const form = trainableForm(withAdapter(parseModelConfig(JSON.parse(configJson)), adapter));
    // A step reads and writes its range once, and other reducers write theirs of the same region.
    const options = { length: form.length, access: "read", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, weights, options);
    try {
      const state = { form, start, end, weights: placed.tensor };
      const parameters = new ParameterShard(this.#device, state);
      this.#shard = { parameters, form, start, end, placed };
    } catch (error) {
      placed.free();
      throw error;
    }
    return { blockDigests: this.#blockDigests() };
  }

  writeMoments({ at, m, v }: Argument<"writeMoments">): void {
    this.#assigned.parameters.writeMoments({ m, v }, at);
  }

  addLane({ isFirst, lane, elements, from }: Argument<"addLane">): void {
    const { parameters, start, end } = this.#assigned;
    const options = { length: elements, access: "read", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, lane, options);
    try {
      if (isFirst) parameters.zeroGradient();
      parameters.addLane(placed.tensor.slice(start - from, end - from));
    } finally {
      placed.free();
    }
  }

  sumSquares({ blockSize }: Argument<"sumSquares">): Answer<"sumSquares"> {
    return this.#assigned.parameters.sumSquares(blockSize);
  }

  step({ step, into }: Argument<"step">): Answer<"step"> {
    const shard = this.#assigned;
    const { parameters, form, placed: before } = shard;
    const options = { length: form.length, access: "write", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, into, options);
    parameters.step(step, placed.tensor);
    placed.commit();
    this.#shard = { ...shard, placed };
    before.free();
    return { blockDigests: this.#blockDigests() };
  }

  readMoments({ at, length }: Argument<"readMoments">): Answer<"readMoments"> {
    return this.#assigned.parameters.readMoments(at, length);
  }

  dispose(): void {
    this.#shard?.parameters.dispose();
    this.#shard?.placed.free();
    this.#shard = null;
  }

  get #assigned(): Shard {
    if (this.#shard === null)
      throw new Error("the engine was asked before it was assigned a range");
    return this.#shard;
  }

  #blockDigests(): string[] {
    const { form, start, end, placed } = this.#assigned;
    return digestsOf(this.#device, form, { memory: placed.tensor, start, end });
  }
}
