import { ShapeError } from "../errors.js";
import { f32s, failureOf, i32s, i64s, launch, over, pointers, type Twin } from "./launch.js";
import { fill } from "./rows.js";

/** Queries of a tile, and rows of a block: queries with one of their heads. */
const TILE_QUERIES = 48;
const TILE_ROWS = 32;
/** Rows and heads of a block of attention_backward_dots. */
const DOTS = 8;

/** The smallest head width that kernels are compiled for and that is large enough. */
function widthClass(operation: string, headDim: number): 64 | 128 | 256 {
  if (headDim <= 64) return 64;
  if (headDim <= 128) return 128;
  if (headDim <= 256) return 256;
  throw new ShapeError(operation, "headDim", `is ${headDim}; the GPU's kernels take 256 at most`);
}

export const kvWrite: Twin = {
  launches: (values, memory) => {
    const [k = 0, v = 0, slots = 0, cacheK = 0, cacheV = 0, rows = 0, ...sizes] = values;
    const args = [...pointers(k, v, slots, cacheK, cacheV), ...i32s(...sizes)];
    return [launch("kv_write", [rows], [...args, ...failureOf(memory)])];
  },
};

export const attention: Twin = {
  launches: (values) => {
    const [q = 0, y = 0, cacheK = 0, cacheV = 0, plan = 0, stats = 0] = values;
    const [heads = 0, kvHeads = 0, headDim = 0, scale = 0, fault = 0, numTiles = 0] =
      values.slice(6);
    const depth = over((TILE_QUERIES * heads) / kvHeads, TILE_ROWS);
    const tensors = pointers(q, y, cacheK, cacheV, plan, stats);
    const args = [...tensors, ...i32s(heads, kvHeads, headDim), ...f32s(scale), ...i32s(fault)];
    const kernel = `attention_${widthClass("attention", headDim)}` as const;
    return [launch(kernel, [numTiles, kvHeads, depth], args)];
  },
};

export const attentionBackward: Twin = {
  // Scratch: dy y of every row and head.
  scratchBytes: (values) => (values[10] as number) * (values[11] as number) * 4,
  launches: (values, memory) => {
    const [q = 0, y = 0, dy = 0, stats = 0, plan = 0, k = 0, v = 0, dq = 0, dk = 0, dv = 0] =
      values;
    const [rows = 0, heads = 0, kvHeads = 0, headDim = 0, scale = 0, numTiles = 0] =
      values.slice(10);
    const dots = memory.scratch;
    const zero = (x: number, length: number) => fill.launches([x, 0, length], memory);
    const inputs = pointers(q, dy, stats, dots, plan, k, v);
    const sizes = [...i32s(heads, kvHeads, headDim), ...f32s(scale)];
    const width = widthClass("attentionBackward", headDim);
    const products = [...pointers(y, dy, dots), ...i64s(rows * heads), ...i32s(headDim)];
    return [
      // Rows that no span has keep these zeros.
      ...zero(dq, rows * heads * headDim),
      ...zero(dk, rows * kvHeads * headDim),
      ...zero(dv, rows * kvHeads * headDim),
      launch("attention_backward_dots", [over(rows * heads, DOTS)], products),
      launch(
        `attention_backward_queries_${width}`,
        [numTiles, heads],
        [...inputs, ...pointers(dq), ...sizes],
      ),
      launch(
        `attention_backward_keys_${width}`,
        [numTiles, kvHeads],
        [...inputs, ...pointers(dk, dv), ...sizes],
      ),
    ];
  },
};
