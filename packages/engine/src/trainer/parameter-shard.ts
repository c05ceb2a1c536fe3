import { type Device, ops, type Tensor } from "@gumshoe/kernels";

import { Arena } from "../model/activations.js";
import { plainForm, type WeightForm, type WeightPiece } from "../weights/weight-form.js";
import { readTensor } from "../weights/weight-tensor.js";

/** Settings of one AdamW step. */
export interface OptimizerStep {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled: every parameter shrinks by lr * weightDecay. */
  readonly weightDecay: number;
  /** 1 for the first update. */
  readonly step: number;
  /** Factor on the gradient, e.g. for norm clipping. */
  readonly gradScale: number;
}

/** What a shard consists of. */
export interface ShardState {
  readonly form: WeightForm;
  /** Elements [start, end) of the flat vector. */
  readonly start: number;
  readonly end: number;
  /** [form.length] f32: the weights, of which the shard reads its range; owned by the caller. */
  readonly weights: Tensor;
}

/** Elements of a lane that are copied to the device at a time. */
const PIECE = 1 << 20;

/**
 * A range of the flat parameter vector with its optimizer state and gradient sum: the part that one reducer owns.
 *
 * - Elements are independent, so a range may be cut anywhere without changing a bit.
 * - The caller owns the memory of the weights. A step reads them there and writes the new ones to memory that the
 *   caller names: the same, or that of the next version.
 */
export class ParameterShard {
  readonly length: number;
  readonly #device: Device;
  readonly #form: WeightForm;
  readonly #start: number;
  /** Owns the vectors. */
  readonly #arena: Arena;
  #weights: Tensor;
  readonly #m: Tensor;
  readonly #v: Tensor;
  readonly #gradient: Tensor;
  #piece: Tensor | null = null;

  /** @throws OutOfMemoryError */
  constructor(device: Device, { form, start, end, weights }: ShardState) {
    this.#device = device;
    this.#form = form;
    this.#start = start;
    this.#weights = weights;
    this.length = end - start;
    [this.#arena, this.#m, this.#v, this.#gradient] = Arena.transaction(device, (arena) => [
      arena,
      arena.f32(this.length),
      arena.f32(this.length),
      arena.f32(this.length),
    ]);
  }

  /**
   * Creates the shard of a whole vector without a model, with its own memory for the weights.
   *
   * @param master  [length] f32
   * @throws OutOfMemoryError
   */
  static ofVector(device: Device, master: Float32Array): ParameterShard {
    const weights = device.alloc("f32", master.length);
    try {
      device.write(weights, master);
      const form = plainForm(master.length);
      const shard = new ParameterShard(device, { form, start: 0, end: master.length, weights });
      shard.#arena.keep(weights);
      return shard;
    } catch (error) {
      device.free(weights);
      throw error;
    }
  }

  /** The newest weights. */
  get weights(): Tensor {
    return this.#weights;
  }

  /** Starts a new sum of lanes. */
  zeroGradient(): void {
    const list = this.#device.createCommandList();
    ops.fill(list, { x: this.#gradient, value: 0, length: this.length });
    list.run();
  }

  /**
   * Adds one lane's gradient; lanes must be added in lane order.
   *
   * @param gradient  [length] f32, on the device or on the host
   */
  addLane(gradient: Tensor | Float32Array): void {
    if (!(gradient instanceof Float32Array)) {
      this.#add(gradient, 0, this.length);
      return;
    }
    const piece = (this.#piece ??= this.#arena.f32(Math.min(PIECE, this.length)));
    for (let start = 0; start < this.length; start += PIECE) {
      const end = Math.min(this.length, start + PIECE);
      this.#device.write(piece, gradient.subarray(start, end));
      this.#add(piece, start, end);
    }
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

  /**
   * Takes one optimizer step.
   *
   * @param to  [form.length] f32: receives the new weights of this range, and is read by the next step; default:
   *            the weights are updated in place
   */
  step(step: OptimizerStep, to: Tensor = this.#weights): void {
    const list = this.#device.createCommandList();
    const from = this.#weights;
    for (const piece of this.#form.pieces) this.#recordStep(list, piece, { from, to, step });
    list.run();
    this.#weights = to;
  }

  /** Copies the parameters into `into` f32, starting at element `at` of the range. */
  readMaster(into: Float32Array, at = 0): void {
    const start = this.#start + at;
    readTensor(this.#device, this.#form, { memory: this.#weights, into, start });
  }

  /** Copies a part of the first and second moments; default: all. */
  readMoments(at = 0, length = this.length - at): { m: Float32Array; v: Float32Array } {
    const m = new Float32Array(length);
    const v = new Float32Array(length);
    this.#device.read(this.#m, m, at);
    this.#device.read(this.#v, v, at);
    return { m, v };
  }

  /** Sets a part of the moments, starting at element `at` of the range. */
  writeMoments({ m, v }: { m: Float32Array; v: Float32Array }, at = 0): void {
    this.#device.write(this.#m, m, at);
    this.#device.write(this.#v, v, at);
  }

  /** Frees what the shard allocated; the weights belong to the caller. */
  dispose(): void {
    this.#arena.free();
  }

  #add(x: Tensor, start: number, end: number): void {
    const list = this.#device.createCommandList();
    ops.add(list, { x, y: this.#gradient.slice(start, end), length: end - start });
    list.run();
  }

  #recordStep(
    list: ReturnType<Device["createCommandList"]>,
    piece: WeightPiece,
    { from, to, step }: { from: Tensor; to: Tensor; step: OptimizerStep },
  ): void {
    const start = Math.max(piece.start, this.#start);
    const end = Math.min(piece.end, this.#start + this.length);
    if (start >= end) return;
    const own = (x: Tensor) => x.slice(start - this.#start, end - this.#start);
    const state = { m: own(this.#m), v: own(this.#v), grad: own(this.#gradient) };
    const { offset, matrix } = piece;
    const [first, last] = [start - piece.start, end - piece.start];
    if (matrix === null) {
      const place = (x: Tensor) => x.slice(offset + first, offset + last);
      const length = last - first;
      ops.adamw(list, { ...state, from: place(from), to: place(to), length, ...step });
      return;
    }
    const packed = ops.packedLength(matrix.n, matrix.k);
    const place = (x: Tensor) => x.slice(offset, offset + packed);
    ops.adamwPacked(list, {
      ...state,
      from: place(from),
      to: place(to),
      ...matrix,
      first,
      last,
      ...step,
    });
  }
}
