import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";

/**
 * Normalises each row by its root mean square: y = x / rms(x) * w.
 *
 * @param x     [rows, width] f32
 * @param w     [width] f32
 * @param eps   added to the mean square before the root
 * @param y     [rows, width] f32
 * @param rstd  [rows] f32, which the backward pass needs
 * @source      arXiv:1910.07467
 */
export function rmsNorm(
  list: CommandList,
  args: {
    x: Tensor;
    w: Tensor;
    eps: number;
    y: Tensor;
    rstd: Tensor;
    rows: number;
    width: number;
  },
): void {
  const { x, w, eps, y, rstd, rows, width } = args;
  record(
    list,
    "rmsNorm",
    {
      x: [x, "f32", rows * width],
      w: [w, "f32", width],
      y: [y, "f32", rows * width],
      rstd: [rstd, "f32", rows],
    },
    ["x", "w", eps, "y", "rstd", rows, width],
  );
}

/**
 * Computes the gradients of {@link rmsNorm}.
 *
 * @param dy            [rows, width] f32
 * @param dx            [rows, width] f32, overwritten, or added to with `accumulateDx`
 * @param dw            [width] f32, accumulated over ascending rows, or null
 */
export function rmsNormBackward(
  list: CommandList,
  args: {
    x: Tensor;
    w: Tensor;
    rstd: Tensor;
    dy: Tensor;
    dx: Tensor;
    dw: Tensor | null;
    rows: number;
    width: number;
    accumulateDx: boolean;
  },
): void {
  const { x, w, rstd, dy, dx, dw, rows, width, accumulateDx } = args;
  record(
    list,
    "rmsNormBackward",
    {
      x: [x, "f32", rows * width],
      w: [w, "f32", width],
      rstd: [rstd, "f32", rows],
      dy: [dy, "f32", rows * width],
      dx: [dx, "f32", rows * width],
      dw: [dw, "f32", width],
    },
    ["x", "w", "rstd", "dy", "dx", "dw", rows, width, Number(accumulateDx)],
  );
}
