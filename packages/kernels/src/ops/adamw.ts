import { type CommandList, type Tensor } from "../device.js";
import { record } from "../record.js";

/**
 * Takes one AdamW step: decoupled decay of every parameter by lr * weightDecay, bias-corrected moments.
 *
 * @param master     [length] f32, updated; `m` and `v` likewise
 * @param grad       [length] f32
 * @param step       1 for the first update
 * @param gradScale  factor on the gradient, e.g. of the norm clip
 * @source           arXiv:1711.05101
 */
export function adamw(
  list: CommandList,
  args: {
    master: Tensor;
    m: Tensor;
    v: Tensor;
    grad: Tensor;
    length: number;
    lr: number;
    beta1: number;
    beta2: number;
    eps: number;
    weightDecay: number;
    step: number;
    gradScale: number;
  },
): void {
  const { length, lr, beta1, beta2, step } = args;
  record(
    list,
    "adamw",
    {
      master: [args.master, "f32", length],
      m: [args.m, "f32", length],
      v: [args.v, "f32", length],
      grad: [args.grad, "f32", length],
    },
    [
      ...["master", "m", "v", "grad"],
      ...[length, beta1, beta2, 1 - beta1, 1 - beta2],
      lr / (1 - wholePower(beta1, step)),
      Math.sqrt(1 - wholePower(beta2, step)),
      ...[args.eps, 1 - lr * args.weightDecay, args.gradScale],
    ],
  );
}

/** base^exponent by squaring: only products, so that every machine gets the same bits. */
function wholePower(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
