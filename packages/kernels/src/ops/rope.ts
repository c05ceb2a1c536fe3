import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";

/**
 * Rotates the heads of each row by its position, in place: the first half of a head against the second.
 *
 * @param x          [rows, heads * headDim] f32
 * @param positions  [rows] i32
 * @param cos        [numPositions, headDim / 2] f32, and `sin` likewise; see `ropeTable`
 * @param inverse    true rotates back, which computes the gradient
 * @source           arXiv:2104.09864
 */
export function rope(
  list: CommandList,
  args: {
    x: Tensor;
    positions: Tensor;
    cos: Tensor;
    sin: Tensor;
    rows: number;
    heads: number;
    headDim: number;
    inverse: boolean;
  },
): void {
  const { x, positions, cos, sin, rows, heads, headDim, inverse } = args;
  const numPositions = Math.floor(cos.length / (headDim / 2));
  record(
    list,
    "rope",
    {
      x: [x, "f32", rows * heads * headDim],
      positions: [positions, "i32", rows],
      cos: [cos, "f32", 1],
      sin: [sin, "f32", cos.length],
    },
    ["x", "positions", "cos", "sin", rows, heads, headDim, Number(inverse), numPositions],
  );
}
