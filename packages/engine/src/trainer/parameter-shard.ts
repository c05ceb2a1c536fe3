import { type Device, ops, type Tensor } from "@gumshoe/kernels";

import { Arena } from "../model/activations.js";

/** AdamW of one update. */
export interface OptimizerStep {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled: every parameter shrinks by lr * weightDecay. */
  readonly weightDecay: number;
  /** 1 for the first update. */
  readonly step: number;
  /** Factor on the gradient, e.g. of the norm clip. */
  readonly gradScale: number;
}

/**
 * A range of the flat parameter vector with its optimizer state and gradient: what a reducer owns.
 *
 * Every element is on its own, so ranges may be cut anywhere without changing a bit.
 */
export class ParameterShard {
  readonly length: number;
  readonly #device: Device;
  /** Holds all of them. */
  readonly #arena: Arena;
  readonly #master: Tensor;
  readonly #m: Tensor;
  readonly #v: Tensor;
  readonly #gradient: Tensor;
  readonly #incoming: Tensor;

  /**
   * @param state.master  [length] f32
   * @param state.m       first moments, 0 when left out; `v` likewise the second
   * @throws OutOfMemoryError
   */
  constructor(device: Device, state: { master: Float32Array; m?: Float32Array; v?: Float32Array }) {
    this.#device = device;
    this.length = state.master.length;
    const { master, m, v } = state;
    [this.#arena, this.#master, this.#m, this.#v, this.#gradient, this.#incoming] =
      Arena.transaction(device, (arena) => {
        const hold = (values?: Float32Array): Tensor => {
          const tensor = arena.f32(this.length);
          if (values !== undefined) device.write(tensor, values);
          return tensor;
        };
        return [arena, hold(master), hold(m), hold(v), hold(), hold()];
      });
  }

  /** Starts a new sum of lanes. */
  zeroGradient(): void {
    const list = this.#device.createCommandList();
    ops.fill(list, { x: this.#gradient, value: 0, length: this.length });
    list.run();
  }

  /** Adds one lane's gradient [length] f32; lanes must come in lane order. */
  addLane(gradient: Float32Array): void {
    this.#device.write(this.#incoming, gradient);
    const list = this.#device.createCommandList();
    ops.add(list, { x: this.#incoming, y: this.#gradient, length: this.length });
    list.run();
  }

  /** Sums the squares of the gradient per block, in float64. */
  sumSquares(blockSize: number): Float64Array {
    const sums = new Float64Array(Math.ceil(this.length / blockSize));
    const out = this.#device.alloc("f64", sums.length);
    const list = this.#device.createCommandList();
    ops.sumSquaresBlocks(list, { x: this.#gradient, length: this.length, blockSize, out });
    list.run();
    this.#device.read(out, sums);
    this.#device.free(out);
    return sums;
  }

  /** Moves the parameters by one optimizer step. */
  step(step: OptimizerStep): void {
    const list = this.#device.createCommandList();
    const { length } = this;
    const state = { master: this.#master, m: this.#m, v: this.#v, grad: this.#gradient };
    ops.adamw(list, { ...state, length, ...step });
    list.run();
  }

  /** Copies the parameters into `into` [length] f32. */
  readMaster(into: Float32Array): void {
    this.#device.read(this.#master, into);
  }

  /** Copies the first and second moments, [length] f32 each. */
  readMoments(): { m: Float32Array; v: Float32Array } {
    const m = new Float32Array(this.length);
    const v = new Float32Array(this.length);
    this.#device.read(this.#m, m);
    this.#device.read(this.#v, v);
    return { m, v };
  }

  dispose(): void {
    this.#arena.free();
  }
}
