/**
 * cos(x) in float64 for 0 <= x <= pi, from additions and multiplications alone.
 *
 * `Math.cos` may differ in its last bit between JavaScript engines and machines; a learning rate may not.
 *
 * - cos(0) is exactly 1; the error is below one unit in the last place of 1 + cos(x).
 * - Source: the minimax polynomials of FDLIBM (k_cos.c, k_sin.c; Sun Microsystems, 1993).
 */

/**
 * pi / 2 in two parts: the first has 33 significant bits, so that subtracting its multiples is
 * exact.
 */
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_LOW = 6.077100506506192e-11;
const QUARTER_PI = 0.7853981633974483;
/** Above this, uses cos(x) = -cos(pi - x). */
const THREE_QUARTERS_PI = 2.356194490192345;

/** Coefficients of x^4, x^6, ... of cos(x) - 1 + x^2 / 2 on [0, pi/4]. */
const COS = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
  -2.75573143513906633035e-7, 2.0875723212981748279e-9, -1.13596475577881948265e-11,
] as const;
/** Coefficients of x^3, x^5, ... of sin(x) - x on [0, pi/4]. */
const SIN = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
  2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10,
] as const;

/** Computes cos(x) for 0 <= x <= pi. */
export function cosine(x: number): number {
  if (x <= QUARTER_PI) return cosKernel(x, 0);
  const quarters = x < THREE_QUARTERS_PI ? 1 : 2;
  const rest = x - quarters * HALF_PI_HIGH;
  const low = quarters * HALF_PI_LOW;
  const high = rest - low;
  const tail = rest - high - low;
  return quarters === 1 ? -sinKernel(high, tail) : -cosKernel(high, tail);
}

/** cos(x + tail) for |x| <= pi/4. */
function cosKernel(x: number, tail: number): number {
  const square = x * x;
  const half = 0.5 * square;
  const rest = square * (square * polynomial(COS, square)) - x * tail;
  // Subtract an exactly representable part of x^2 / 2 first: the last subtraction then loses less
  // precision.
  const part = exactPart(Math.abs(x));
  return 1 - part - (half - part - rest);
}

/**
 * Returns a number near x^2 / 2 with so few bits that 1 minus it is exact; 0 where no precision is
 * lost.
 */
function exactPart(x: number): number {
  if (x < 0.3) return 0;
  if (x > 0.78125) return 0.28125;
  // x / 4 without its lower half of bits.
  const unit = x < 0.5 ? 2 ** -24 : 2 ** -23;
  return Math.floor(x / 4 / unit) * unit;
}

/** sin(x + tail) for |x| <= pi/4. */
function sinKernel(x: number, tail: number): number {
  const square = x * x;
  const cube = square * x;
  const [first, ...others] = SIN;
  const rest = polynomial(others, square);
  return x - (square * (0.5 * tail - cube * rest) - tail - cube * first);
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => coefficient + x * sum, 0);
}
