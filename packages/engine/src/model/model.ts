import { type Device, ropeTable, type Tensor } from "@gumshoe/kernels";

import { type ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout, parameterLayout } from "../weights/parameter-layout.js";
import { Arena } from "./activations.js";
import { Parameters } from "./parameters.js";

/** Rotary angles on the device, for positions 0 to `numPositions` - 1. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly numPositions: number;
}

/**
 * The weights of a model on a device, ready to compute with.
 *
 * - `setParameters` writes any range of the flat vector; nothing changes until `commit`, which makes
 *   the packed copies that the products read.
 * - It knows nothing of batches: the sampler and the trainer bring their own activations.
 */
export class Model {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  readonly training: boolean;
  readonly parameters: Parameters;
  #rotary: RotaryTables | null = null;

  /**
   * @param options.training  true keeps the transposed copies that a backward pass needs
   * @throws OutOfMemoryError
   */
  constructor(options: { device: Device; config: ModelConfig; training: boolean }) {
    this.device = options.device;
    this.config = options.config;
    this.training = options.training;
    this.layout = parameterLayout(options.config);
    this.parameters = new Parameters({ ...options, layout: this.layout });
  }

  /**
   * Writes a range of the flat vector.
   *
   * @param values  f32, in canonical order
   * @param start   element of the flat vector at which they begin
   */
  setParameters(values: Float32Array, start = 0): void {
    this.device.write(this.parameters.flat, values, start);
  }

  /** Reads a range of the flat vector into `values`. */
  readParameters(values: Float32Array, start = 0): void {
    this.device.read(this.parameters.flat, values, start);
  }

  /** Makes what was written with `setParameters` the weights that are computed with. */
  commit(): void {
    this.parameters.pack();
  }

  /** Returns rotary tables for at least so many positions. */
  rotary(numPositions: number): RotaryTables {
    if (this.#rotary !== null && this.#rotary.numPositions >= numPositions) return this.#rotary;
    const { ropeTheta: theta, headDim, ropeScaling: scaling } = this.config;
    const length = 256 * Math.ceil((numPositions * 1.5) / 256);
    const tables = ropeTable({ theta, headDim, numPositions: length, scaling });
    this.#freeRotary();
    this.#rotary = Arena.transaction(this.device, (arena) => {
      const cos = arena.f32(tables.cos.length);
      const sin = arena.f32(tables.sin.length);
      this.device.write(cos, tables.cos);
      this.device.write(sin, tables.sin);
      return { cos, sin, numPositions: length };
    });
    return this.#rotary;
  }

  dispose(): void {
    this.#freeRotary();
    this.parameters.free();
  }

  #freeRotary(): void {
    if (this.#rotary === null) return;
    this.device.free(this.#rotary.cos);
    this.device.free(this.#rotary.sin);
    this.#rotary = null;
  }
}
