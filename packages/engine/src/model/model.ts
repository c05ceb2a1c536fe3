import { type Device, ropeTable, type Tensor } from "@gumshoe/kernels";

import { trainableLayout } from "../weights/adapter-layout.js";
import type { ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout, parameterLayout } from "../weights/parameter-layout.js";
import { trainableForm, type WeightForm, weightForm } from "../weights/weight-form.js";
import { Arena } from "./activations.js";
import { Parameters, type PlacedWeights } from "./parameters.js";
import { WeightMemory } from "./weight-memory.js";

/** Rotary angles on the device, for positions 0 to `numPositions` - 1. */
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly numPositions: number;
}

/** The parameters that training changes: those of the adapter if the config has one, else all. */
export interface TrainableParameters {
  readonly layout: ParameterLayout;
  readonly form: WeightForm;
}

/**
 * A model on a device, ready to compute with its weights.
 *
 * - The weights are one piece of memory in the form that kernels read: either the model's own, which
 *   `setParameters` writes, or memory of the caller, set with `useWeights`.
 * - An adapter's weights are another such piece (`setTrainable`, `useAdapter`). The model's own are then frozen.
 * - It holds no batches: the sampler and the trainer allocate their own activations.
 */
export class Model {
  readonly device: Device;
  readonly config: ModelConfig;
  /** The model's own parameters, without an adapter's. */
  readonly layout: ParameterLayout;
  readonly form: WeightForm;
  readonly trainable: TrainableParameters;
  readonly training: boolean;
  #parameters: Parameters | null = null;
  readonly #weights: WeightMemory;
  /** Null without an adapter. */
  readonly #adapter: WeightMemory | null;
  #rotary: RotaryTables | null = null;

  /** @param options.training  whether gradients will be computed */
  constructor(options: { device: Device; config: ModelConfig; training: boolean }) {
    const { device, config } = options;
    this.device = device;
    this.config = config;
    this.training = options.training;
    this.layout = parameterLayout(config);
    this.form = weightForm(config);
    const form = config.adapter === null ? this.form : trainableForm(config);
    this.trainable = { layout: trainableLayout(config), form };
    this.#weights = new WeightMemory(device, this.form);
    this.#adapter = config.adapter === null ? null : new WeightMemory(device, form);
  }

  /** Views of the weights. */
  get parameters(): Parameters {
    this.#parameters ??= new Parameters(
      this.config,
      placed(this.#weights),
      this.#adapter === null ? null : placed(this.#adapter),
    );
    return this.#parameters;
  }

  /**
   * Sets weights that lie in memory of the caller, which must stay valid until other weights are set or the model
   * is disposed of.
   *
   * @param memory  [form.length] f32, in the model's form; only read
   */
  useWeights(memory: Tensor): void {
    this.#parameters = null;
    this.#weights.use(memory);
  }

  /** Sets the adapter's weights in memory of the caller, [trainable.form.length] f32, as `useWeights` does. */
  useAdapter(memory: Tensor): void {
    this.#parameters = null;
    this.#adapterMemory.use(memory);
  }

  /**
   * Writes a range of the flat vector into the model's own memory, which starts as zeros.
   *
   * @param values  f32, in canonical order
   * @param start   element of the flat vector at which they begin
   * @throws OutOfMemoryError
   */
  setParameters(values: Float32Array, start = 0): void {
    this.#parameters = null;
    this.#weights.write(values, start);
  }

  /** Reads a range of the flat vector into `values`. */
  readParameters(values: Float32Array, start = 0): void {
    this.#weights.read(values, start);
  }

  /** Reads a range of the trainable parameters' flat vector into `values`. */
  readTrainable(values: Float32Array, start = 0): void {
    (this.#adapter ?? this.#weights).read(values, start);
  }

  /** Writes a range of the trainable parameters' flat vector. @throws OutOfMemoryError */
  setTrainable(values: Float32Array, start = 0): void {
    this.#parameters = null;
    (this.#adapter ?? this.#weights).write(values, start);
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
    this.#weights.free();
    this.#adapter?.free();
    this.#parameters = null;
  }

  get #adapterMemory(): WeightMemory {
    if (this.#adapter === null) throw new Error("the model has no adapter");
    return this.#adapter;
  }

  #freeRotary(): void {
    if (this.#rotary === null) return;
    this.device.free(this.#rotary.cos);
    this.device.free(this.#rotary.sin);
    this.#rotary = null;
  }
}

function placed({ form, memory }: WeightMemory): PlacedWeights {
  if (memory === null) throw new Error("the model has no weights");
  return { form, memory };
}
