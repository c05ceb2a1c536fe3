/** One comparison of a result of this machine with a golden number or list. */
export interface VerifyCheck {
  /** The file or folder that holds the golden numbers. */
  readonly path: string;
  readonly case: string;
  readonly output: string;
  /** Largest difference, in the measure of the file's format; Infinity if the two cannot be compared. */
  readonly error: number;
  /** PyTorch's own float32 error by the same measure; null if the file gives none. */
  readonly torchError: number | null;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** Reference values of a case's outputs. */
export interface Expected {
  readonly output: string;
  readonly values: ArrayLike<number>;
  /** Divides the differences. */
  readonly scale: number;
  readonly tolerance: number;
  readonly torchError: number | null;
}

/** Compares numbers; a different count, or a value that is not finite, is an infinite error. */
export function compareNumbers(
  place: { path: string; case: string },
  ours: ArrayLike<number>,
  expected: Expected,
): VerifyCheck {
  const { output, values, scale, tolerance, torchError } = expected;
  let error = ours.length === values.length ? 0 : Infinity;
  for (let i = 0; i < values.length && error !== Infinity; i++) {
    const difference = Math.abs((ours[i] as number) - (values[i] as number)) / scale;
    error = Number.isFinite(difference) ? Math.max(error, difference) : Infinity;
  }
  return { ...place, output, error, torchError, tolerance, ok: error <= tolerance };
}

/** Compares ids, counts or text units, which are equal or not: the error is the number of differences. */
export function compareExactly(
  place: { path: string; case: string },
  output: string,
  pair: { ours: ArrayLike<unknown>; expected: ArrayLike<unknown> },
): VerifyCheck {
  const { ours, expected } = pair;
  let error = Math.abs(ours.length - expected.length);
  for (let i = 0; i < Math.min(ours.length, expected.length); i++) {
    if (ours[i] !== expected[i]) error++;
  }
  return { ...place, output, error, torchError: null, tolerance: 0, ok: error === 0 };
}
