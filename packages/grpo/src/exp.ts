/**
 * e^x in float64, from additions and multiplications alone.
 *
 * `Math.exp` may differ in its last bit between JavaScript engines and machines; a gradient may not.
 *
 * - exp(0) is exactly 1, so that equal log-probs give a ratio of exactly 1.
 * - The relative error is below 4e-16.
 */
const LOG2_E = 1.4426950408889634;
/** ln 2 in two parts; k times the first is exact for every exponent k of a double. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 1/n! for n = 13 down to 2; the next term is below 2^-60 on |r| <= ln(2)/2. */
const INVERSE_FACTORIALS = [
  1 / 6227020800,
  1 / 479001600,
  1 / 39916800,
  1 / 3628800,
  1 / 362880,
  1 / 40320,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  1 / 2,
];
/** Outside of these bounds the result is infinite, or rounds to zero. */
const OVERFLOW = 709.782712893384;
const UNDERFLOW = -745.1332191019412;

/** Computes e^x. */
export function exp(x: number): number {
  if (!(x >= UNDERFLOW)) return Number.isNaN(x) ? NaN : 0;
  if (x > OVERFLOW) return Infinity;
  const k = Math.round(x * LOG2_E);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let series = 0;
  for (const coefficient of INVERSE_FACTORIALS) series = series * r + coefficient;
  const mantissa = 1 + (r + r * r * series);
  // In two factors: 2^k alone may overflow or underflow although the product does not.
  const half = k >> 1;
  return mantissa * powerOfTwo(half) * powerOfTwo(k - half);
}

/** Half of the largest exponent that {@link exp} needs. */
const MAX_POWER = 540;
const POWERS_OF_TWO = powersOfTwo();

function powersOfTwo(): readonly number[] {
  const powers = [1];
  for (let k = 1; k <= MAX_POWER; k++) powers.push((powers[k - 1] as number) * 2);
  return powers;
}

function powerOfTwo(k: number): number {
  const power = POWERS_OF_TWO[Math.abs(k)] as number;
  return k < 0 ? 1 / power : power;
}
