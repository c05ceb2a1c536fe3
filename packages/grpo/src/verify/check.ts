/** One comparison with golden numbers. */
export interface AlgorithmCheck {
  /** The compared quantity, e.g. `loss grpo tokenLoss`. */
  readonly name: string;
  readonly ok: boolean;
  /** Largest |ours - golden| / (1 + |golden|). */
  readonly error: number;
  readonly tolerance: number;
}

/** Compares numbers; another count, or a NaN on one side only, is an infinite error. */
export function compare(
  name: string,
  pair: { ours: ArrayLike<number>; golden: ArrayLike<number> },
  tolerance: number,
): AlgorithmCheck {
  const { ours, golden } = pair;
  let error = ours.length === golden.length ? 0 : Infinity;
  for (let i = 0; i < golden.length && error !== Infinity; i++) {
    const [a, b] = [ours[i] as number, golden[i] as number];
    if (Object.is(a, b) || a === b) continue;
    const difference = Math.abs(a - b) / (1 + Math.abs(b));
    error = Number.isFinite(difference) ? Math.max(error, difference) : Infinity;
  }
  return { name, ok: error <= tolerance, error, tolerance };
}
