import {
  type AttentionPlan,
  type AttentionSpan,
  createAttentionPlan,
  type Device,
  type Tensor,
} from "@gumshoe/kernels";

import { Arena } from "./activations.js";

/** Rows to be computed together, as host values. */
export interface BatchRows {
  /** [R] token ids */
  readonly tokens: Int32Array;
  /** [R] positions in their sequence */
  readonly positions: Int32Array;
  /** [R] where their keys and values go: block * 16 + position in the block */
  readonly slots: Int32Array;
  readonly spans: readonly AttentionSpan[];
}

/** Rows on the device. Its memory grows with the largest batch and is used again. */
export class Batch {
  readonly #device: Device;
  #arena: Arena;
  #capacity = 0;
  #tokens: Tensor | null = null;
  #positions: Tensor | null = null;
  #slots: Tensor | null = null;
  #plan: AttentionPlan | null = null;
  /** Rows of the batch that was loaded last. */
  rows = 0;
  /** Largest position of that batch, plus one. */
  numPositions = 0;

  constructor(device: Device) {
    this.#device = device;
    this.#arena = new Arena(device);
  }

  get tokens(): Tensor {
    return loaded(this.#tokens);
  }

  get positions(): Tensor {
    return loaded(this.#positions);
  }

  get slots(): Tensor {
    return loaded(this.#slots);
  }

  get plan(): AttentionPlan {
    return loaded(this.#plan);
  }

  /** Copies rows to the device; what was there before is gone. */
  load(batch: BatchRows): void {
    const rows = batch.tokens.length;
    if (rows > this.#capacity) this.#grow(rows);
    this.#device.write(this.tokens, batch.tokens);
    this.#device.write(this.positions, batch.positions);
    this.#device.write(this.slots, batch.slots);
    this.#plan = createAttentionPlan(this.#device, batch.spans, this.#plan);
    this.rows = rows;
    this.numPositions = batch.positions.reduce((most, p) => Math.max(most, p + 1), 0);
  }

  free(): void {
    this.#arena.free();
    if (this.#plan !== null) this.#device.free(this.#plan.words);
    this.#plan = null;
    this.#capacity = 0;
  }

  #grow(rows: number): void {
    const capacity = Math.ceil(rows * 1.25);
    // While there is no memory for more rows there is none at all: the next batch tries again.
    this.#capacity = 0;
    this.#arena.free();
    this.#tokens = this.#arena.i32(capacity);
    this.#positions = this.#arena.i32(capacity);
    this.#slots = this.#arena.i32(capacity);
    this.#capacity = capacity;
  }
}

function loaded<T>(value: T | null): T {
  if (value === null) throw new Error("no batch was loaded");
  return value;
}
