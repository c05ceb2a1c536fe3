import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";

/**
 * Copies rows: y[i] = x[rows[i]].
 *
 * @param x     [sourceRows, width] f32
 * @param rows  [count] i32
 * @param y     [count, width] f32
 */
export function gatherRows(
  list: CommandList,
  args: {
    x: Tensor;
    rows: Tensor;
    y: Tensor;
    count: number;
    width: number;
    sourceRows: number;
  },
): void {
  const { x, rows, y, count, width, sourceRows } = args;
  record(
    list,
    "gatherRows",
    {
      x: [x, "f32", sourceRows * width],
      rows: [rows, "i32", count],
      y: [y, "f32", count * width],
    },
    ["x", "rows", "y", count, width, sourceRows],
  );
}

/**
 * Adds rows in ascending order of i: dx[rows[i]] += dy[i].
 *
 * @param dy    [count, width] f32
 * @param rows  [count] i32
 * @param dx    [targetRows, width] f32, accumulated
 */
export function scatterAddRows(
  list: CommandList,
  args: {
    dy: Tensor;
    rows: Tensor;
    dx: Tensor;
    count: number;
    width: number;
    targetRows: number;
  },
): void {
  const { dy, rows, dx, count, width, targetRows } = args;
  record(
    list,
    "scatterAddRows",
    {
      dy: [dy, "f32", count * width],
      rows: [rows, "i32", count],
      dx: [dx, "f32", targetRows * width],
    },
    ["dy", "rows", "dx", count, width, targetRows],
  );
}

/** Adds one vector to another: y += x, both [length] f32. */
export function add(list: CommandList, args: { x: Tensor; y: Tensor; length: number }): void {
  const { x, y, length } = args;
  record(list, "add", { x: [x, "f32", length], y: [y, "f32", length] }, ["x", "y", length]);
}

/** Sets every element: x = value, x [length] f32. */
export function fill(list: CommandList, args: { x: Tensor; value: number; length: number }): void {
  const { x, value, length } = args;
  record(list, "fill", { x: [x, "f32", length] }, ["x", value, length]);
}

/** Multiplies every element: x *= factor, x [length] f32. */
export function scale(
  list: CommandList,
  args: { x: Tensor; factor: number; length: number },
): void {
  const { x, factor, length } = args;
  record(list, "scale", { x: [x, "f32", length] }, ["x", factor, length]);
}

/**
 * Sums squares in float64, block by block, in an order fixed by the block.
 *
 * @param x    [length] f32
 * @param out  [ceil(length / blockSize)] f64
 */
export function sumSquaresBlocks(
  list: CommandList,
  args: { x: Tensor; length: number; blockSize: number; out: Tensor },
): void {
  const { x, length, blockSize, out } = args;
  record(
    list,
    "sumSquaresBlocks",
    { x: [x, "f32", length], out: [out, "f64", Math.ceil(length / blockSize)] },
    ["x", length, blockSize, "out"],
  );
}
