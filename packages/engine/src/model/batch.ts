import {
  type AttentionPlan,
  type AttentionSpan,
  createAttentionPlan,
  type Device,
  type Tensor,
} from "@gumshoe/kernels";

import { Arena } from "./activations.js";

/** Rows that are computed together, as host arrays. */
export interface BatchRows {
  /** [R] token ids */
  readonly tokens: Int32Array;
  /** [R] positions in their sequence */
  readonly positions: Int32Array;
  /** [R] cache slot of their keys and values: block * 16 + position in the block */
  readonly slots: Int32Array;
  readonly spans: readonly AttentionSpan[];
}

/** Rows on the device. The buffers grow to the largest batch and are reused. */
export class Batch {
  readonly #device: Device;
  #arena: Arena;
  #capacity = 0;
  #tokens: Tensor | null = null;
  #positions: Tensor | null = null;
  #slots: Tensor | null = null;
  #plan: AttentionPlan | null = null;
  /** Number of rows of the batch that was loaded last. */
  rows = 0;
  /** Largest position of that batch plus one. */
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

  /** Copies rows to the device, replacing the previous batch. */
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
    // After a failed allocation there is no buffer at all, so the next batch allocates again.
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
