/** Launches of the operations of a layer apart from attention, and of the optimizer. */
import {
  f32s,
  failureOf,
  i32s,
  i64s,
  largeGrid,
  launch,
  over,
  pointers,
  productGrid,
  type Twin,
} from "./launch.js";

/** Rows of a block of the norm's kernels; elements of one of swiglu's. */
const NORM_ROWS = 8;
const SWIGLU_ELEMENTS = 512;
const PANEL = 32;

export const rmsNorm: Twin = {
  launches: ([x = 0, w = 0, eps = 0, y = 0, rstd = 0, rows = 0, width = 0]) => {
    const args = [...pointers(x, w), ...f32s(eps), ...pointers(y, rstd), ...i32s(rows, width)];
    return [launch("rms_norm", [over(rows, NORM_ROWS)], args)];
  },
};

export const rmsNormBackward: Twin = {
  launches: (values) => {
    const [x = 0, w = 0, rstd = 0, dy = 0, dx = 0, dw = 0, rows = 0, width = 0, add = 0] = values;
    const input = [...pointers(x, w, rstd, dy, dx), ...i32s(rows, width, add)];
    const inputs = launch("rms_norm_backward_input", [over(rows, NORM_ROWS)], input);
    if (dw === 0) return [inputs];
    const weight = [...pointers(x, rstd, dy, dw), ...i32s(rows, width)];
    return [inputs, launch("rms_norm_backward_weight", [over(width, 64)], weight)];
  },
};

export const packMatrix: Twin = {
  launches: ([w = 0, packed = 0, n = 0, k = 0]) => [
    launch(
      "pack_matrix",
      [over(k, PANEL), over(n, PANEL)],
      [...pointers(w, packed), ...i32s(n, k)],
    ),
  ],
};

export const linear: Twin = {
  launches: ([x = 0, weight = 0, bias = 0, y = 0, m = 0, n = 0, k = 0, addend = 0]) => {
    const { size, grid } = productGrid(m, n);
    const args = [...pointers(x, weight, bias, y), ...i32s(m, n, k), ...pointers(addend)];
    return [launch(`linear_${size}`, grid, args)];
  },
};

export const linearBackwardInput: Twin = {
  launches: ([dy = 0, weight = 0, dx = 0, m = 0, n = 0, k = 0, addend = 0]) => {
    const args = [...pointers(dy, weight, dx), ...i32s(m, n, k), ...pointers(addend)];
    return [launch("linear_backward_input", largeGrid(m, k), args)];
  },
};

export const linearBackwardWeight: Twin = {
  launches: ([x = 0, dy = 0, dw = 0, db = 0, m = 0, n = 0, k = 0]) => {
    const sizes = i32s(m, n, k);
    const product = launch("linear_backward_weight", largeGrid(n, k), [
      ...pointers(x, dy, dw),
      ...sizes,
    ]);
    if (db === 0) return [product];
    const bias = [...pointers(dy, db), ...i32s(m, n)];
    return [product, launch("linear_backward_bias", [over(n, 64)], bias)];
  },
};

export const rope: Twin = {
  launches: (values, memory) => {
    const [x = 0, positions = 0, cos = 0, sin = 0, rows = 0, heads = 0, headDim = 0] = values;
    const [inverse = 0, numPositions = 0] = values.slice(7);
    const sizes = i32s(heads, headDim, inverse, numPositions);
    const args = [...pointers(x, positions, cos, sin), ...sizes, ...failureOf(memory)];
    return [launch("rope", [rows], args)];
  },
};

export const swiglu: Twin = {
  launches: ([gate = 0, up = 0, y = 0, length = 0]) => {
    const args = [...pointers(gate, up, y), ...i64s(length)];
    return [launch("swiglu", [over(length, SWIGLU_ELEMENTS)], args)];
  },
};

export const swigluBackward: Twin = {
  launches: ([gate = 0, up = 0, dy = 0, dGate = 0, dUp = 0, length = 0]) => {
    const args = [...pointers(gate, up, dy, dGate, dUp), ...i64s(length)];
    return [launch("swiglu_backward", [over(length, SWIGLU_ELEMENTS)], args)];
  },
};

export const adamw: Twin = {
  launches: ([from = 0, to = 0, m = 0, v = 0, grad = 0, length = 0, ...rule]) => {
    const args = [...pointers(from, to, m, v, grad), ...i64s(length), ...f32s(...rule)];
    return [launch("adamw", [over(length, 256)], args)];
  },
};

export const adamwPacked: Twin = {
  launches: (values) => {
    const [from = 0, to = 0, m = 0, v = 0, grad = 0, , k = 0, first = 0, last = 0, ...rule] =
      values;
    const top = Math.floor(first / (k * PANEL));
    const panels = over(last, k * PANEL) - top;
    const range = [...i32s(k), ...i64s(first, last), ...i32s(top)];
    const args = [...pointers(from, to, m, v, grad), ...range, ...f32s(...rule)];
    return [launch("adamw_packed", [over(k, PANEL), panels], args)];
  },
};
