import type { CommandList, Tensor } from "../device.js";
import { PANEL } from "../native/records.js";
import { record } from "../record.js";

/** Number of elements of a packed [n, k] matrix. */
export function packedLength(n: number, k: number): number {
  return Math.ceil(n / PANEL) * PANEL * k;
}

/**
 * Packs a weight matrix for products: panels [n / 32][k][32], where columns that the last panel lacks are 0. One
 * packed form serves all products.
 *
 * @param w       [n, k] f32
 * @param packed  [packedLength(n, k)] f32
 */
export function packMatrix(
  list: CommandList,
  args: { w: Tensor; packed: Tensor; n: number; k: number },
): void {
  const { w, packed, n, k } = args;
  record(
    list,
    "packMatrix",
    { w: [w, "f32", n * k], packed: [packed, "f32", packedLength(n, k)] },
    ["w", "packed", n, k],
  );
}

/**
 * Applies a linear layer: y = x W^T (+ bias) (+ addend).
 *
 * Every output is one FMA chain over ascending k from 0; bias and addend are added once at the end.
 *
 * @param x       [m, k] f32
 * @param weight  W [n, k], packed
 * @param bias    [n] f32 or null
 * @param addend  [m, n] f32 or null, e.g. the residual stream; may be y
 * @param y       [m, n] f32
 */
export function linear(
  list: CommandList,
  args: {
    x: Tensor;
    weight: Tensor;
    bias: Tensor | null;
    y: Tensor;
    m: number;
    n: number;
    k: number;
    addend: Tensor | null;
  },
): void {
  const { x, weight, bias, addend, y, m, n, k } = args;
  record(
    list,
    "linear",
    {
      x: [x, "f32", m * k],
      weight: [weight, "f32", packedLength(n, k)],
      bias: [bias, "f32", n],
      addend: [addend, "f32", m * n],
      y: [y, "f32", m * n],
    },
    ["x", "weight", "bias", "y", m, n, k, "addend"],
  );
}

/**
 * Computes the gradient of a linear layer's input: dx = dy W (+ addend).
 *
 * @param dy      [m, n] f32
 * @param weight  W [n, k], packed
 * @param addend  [m, k] f32 or null; may be dx
 * @param dx      [m, k] f32
 */
export function linearBackwardInput(
  list: CommandList,
  args: {
    dy: Tensor;
    weight: Tensor;
    dx: Tensor;
    m: number;
    n: number;
    k: number;
    addend: Tensor | null;
  },
): void {
  const { dy, weight, addend, dx, m, n, k } = args;
  record(
    list,
    "linearBackwardInput",
    {
      dy: [dy, "f32", m * n],
      weight: [weight, "f32", packedLength(n, k)],
      addend: [addend, "f32", m * k],
      dx: [dx, "f32", m * k],
    },
    ["dy", "weight", "dx", m, n, k, "addend"],
  );
}

/**
 * Adds the gradients of a linear layer's parameters: dw += dy^T x, db += column sums of dy.
 *
 * Every output is one chain over ascending rows that continues across calls, so splitting a batch along rows
 * changes no bit.
 *
 * @param x   [m, k] f32
 * @param dy  [m, n] f32
 * @param dw  [n, k] f32, accumulated
 * @param db  [n] f32, accumulated, or null
 */
export function linearBackwardWeight(
  list: CommandList,
  args: {
    x: Tensor;
    dy: Tensor;
    dw: Tensor;
    db: Tensor | null;
    m: number;
    n: number;
    k: number;
  },
): void {
  const { x, dy, dw, db, m, n, k } = args;
  record(
    list,
    "linearBackwardWeight",
    {
      x: [x, "f32", m * k],
      dy: [dy, "f32", m * n],
      dw: [dw, "f32", n * k],
      db: [db, "f32", n],
    },
    ["x", "dy", "dw", "db", m, n, k],
  );
}
