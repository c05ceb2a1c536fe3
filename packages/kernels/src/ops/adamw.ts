import type { CommandList, Tensor } from "../device.js";
import { ShapeError } from "../errors.js";
import { record, type TensorSpec } from "../record.js";
import { packedLength } from "./linear.js";

/** Settings of an AdamW step. */
export interface AdamwRule {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** Decoupled: every parameter shrinks by lr * weightDecay. */
  weightDecay: number;
  /** 1 for the first update. */
  step: number;
  /** Factor on the gradient, e.g. of the norm clip. */
  gradScale: number;
}

/** The vectors of an AdamW step. */
export interface AdamwState {
  /** f32, the weights before the step. */
  from: Tensor;
  /** f32, the weights after it; may be `from`. */
  to: Tensor;
  /** [length] f32, updated; `v` likewise. */
  m: Tensor;
  v: Tensor;
  /** [length] f32 */
  grad: Tensor;
}

/**
 * Takes one AdamW step: decoupled decay of every parameter by lr * weightDecay, bias-corrected moments.
 *
 * @param from  [length] f32; `to` likewise
 * @source      arXiv:1711.05101
 */
export function adamw(list: CommandList, args: AdamwState & AdamwRule & { length: number }): void {
  const { length } = args;
  record(
    list,
    "adamw",
    { from: [args.from, "f32", length], to: [args.to, "f32", length], ...stateOf(args, length) },
    ["from", "to", "m", "v", "grad", length, ...ruleOf(args)],
  );
}

/**
 * Takes one AdamW step of elements `first` to `last` - 1 of a matrix [n, k], in row-major order, whose weights
 * are packed (`packMatrix`). Other elements of `to` are kept.
 *
 * @param from  [packedLength(n, k)] f32; `to` likewise
 * @param m     [last - first] f32; `v` and `grad` likewise
 */
export function adamwPacked(
  list: CommandList,
  args: AdamwState & AdamwRule & { n: number; k: number; first: number; last: number },
): void {
  const { n, k, first, last } = args;
  if (first < 0 || last < first || last > n * k) {
    throw new ShapeError("adamwPacked", "range", `${first}..${last} is outside 0..${n * k}`);
  }
  const packed = packedLength(n, k);
  record(
    list,
    "adamwPacked",
    {
      from: [args.from, "f32", packed],
      to: [args.to, "f32", packed],
      ...stateOf(args, last - first),
    },
    ["from", "to", "m", "v", "grad", n, k, first, last, ...ruleOf(args)],
  );
}

function stateOf({ m, v, grad }: AdamwState, length: number): Record<string, TensorSpec> {
  return { m: [m, "f32", length], v: [v, "f32", length], grad: [grad, "f32", length] };
}

function ruleOf({ lr, beta1, beta2, eps, weightDecay, step, gradScale }: AdamwRule): number[] {
  const rates = [beta1, beta2, 1 - beta1, 1 - beta2];
  const size = lr / (1 - wholePower(beta1, step));
  return [
    ...rates,
    size,
    Math.sqrt(1 - wholePower(beta2, step)),
    eps,
    1 - lr * weightDecay,
    gradScale,
  ];
}

/** base^exponent by squaring: only products, so that every machine computes the same bits. */
function wholePower(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
