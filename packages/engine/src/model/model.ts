import { type Device, ropeTable, type Tensor } from "@gumshoe/kernels";

import { type ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout, parameterLayout } from "../weights/parameter-layout.js";
import { spansOf, type WeightForm, weightForm, writeSpan } from "../weights/weight-form.js";
import { readTensor } from "../weights/weight-tensor.js";
import { Arena } from "./activations.js";
import { Parameters } from "./parameters.js";

/** Rotary angles on the device, for positions 0 to `numPositions` - 1. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly numPositions: number;
}

/**
 * A model on a device, ready to compute with its weights.
 *
 * - The weights are one piece of memory in the form that kernels read: either the model's own, which
 *   `setParameters` writes, or memory of the caller, set with `useWeights`.
 * - It holds no batches: the sampler and the trainer allocate their own activations.
 */
export class Model {
  readonly device: Device;
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  readonly form: WeightForm;
  readonly training: boolean;
  #parameters: Parameters | null = null;
  /** The memory of the weights, and whether the model owns it. */
  #weights: { memory: Tensor; isOwn: boolean } | null = null;
  #rotary: RotaryTables | null = null;

  /** @param options.training  whether gradients will be computed */
  constructor(options: { device: Device; config: ModelConfig; training: boolean }) {
    this.device = options.device;
    this.config = options.config;
    this.training = options.training;
    this.layout = parameterLayout(options.config);
    this.form = weightForm(options.config);
  }

  /** Views of the weights. */
  get parameters(): Parameters {
    if (this.#parameters === null) throw new Error("the model has no weights");
    return this.#parameters;
  }

  /**
   * Sets weights that lie in memory of the caller, which must stay valid until other weights are set or the model
   * is disposed of.
   *
   * @param memory  [form.length] f32, in the model's form; only read
   */
  useWeights(memory: Tensor): void {
    this.#freeWeights();
    this.#weights = { memory, isOwn: false };
    this.#parameters = new Parameters(this.config, this.form, memory);
  }

  /**
   * Writes a range of the flat vector into the model's own memory, which starts as zeros.
   *
   * @param values  f32, in canonical order
   * @param start   element of the flat vector at which they begin
   * @throws OutOfMemoryError
   */
  setParameters(values: Float32Array, start = 0): void {
    const memory = this.#ownMemory();
    for (const span of spansOf(this.form, start, start + values.length)) {
      const place = new Float32Array(span.length);
      // A panel that is written in part keeps its other elements.
      if (span.length !== span.end - span.start) this.device.read(memory, place, span.offset);
      writeSpan(span, place, values.subarray(span.start - start, span.end - start));
      this.device.write(memory, place, span.offset);
    }
  }

  /** Reads a range of the flat vector into `values`. */
  readParameters(values: Float32Array, start = 0): void {
    if (this.#weights === null) throw new Error("the model has no weights");
    readTensor(this.device, this.form, { memory: this.#weights.memory, into: values, start });
  }

  /** Returns rotary tables for at least this many positions. */
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
    this.#freeWeights();
  }

  #ownMemory(): Tensor {
    if (this.#weights?.isOwn !== true) {
      const memory = this.device.alloc("f32", this.form.length);
      this.#weights = { memory, isOwn: true };
      this.#parameters = new Parameters(this.config, this.form, memory);
    }
    return this.#weights.memory;
  }

  #freeWeights(): void {
    if (this.#weights?.isOwn === true) this.device.free(this.#weights.memory);
    this.#weights = null;
    this.#parameters = null;
  }

  #freeRotary(): void {
    if (this.#rotary === null) return;
    this.device.free(this.#rotary.cos);
    this.device.free(this.#rotary.sin);
    this.#rotary = null;
  }
}
