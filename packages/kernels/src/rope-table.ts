import { ShapeError } from "./errors.js";

/** How rotary angles are scaled beyond the context of the original model. */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositions: number;
    }
  | {
      readonly type: "yarn";
      readonly factor: number;
      /** Factor on cosines and sines; null derives it from `factor` and the two scales. */
      readonly attentionFactor: number | null;
      readonly mscale: number | null;
      readonly mscaleAllDim: number | null;
      /** Turns in the original context above which a frequency is kept, and below which it is divided. */
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalMaxPositions: number;
      /** Whether the range between the two is rounded to whole frequencies. */
      readonly truncate: boolean;
    };

type Yarn = Extract<RopeScaling, { type: "yarn" }>;

const LN_2 = 0.6931471805599453;
const TWO_PI = 6.283185307179586;
/** pi / 2 in three parts, the first two short enough that their products with integers are exact. */
const HALF_PI = [1.5707963109016418, 1.5893254712295857e-8, 6.123233995736766e-17] as const;

/**
 * Computes the cosines and sines of all rotary angles: angle = position * theta^(-2i / headDim).
 *
 * Only sums, products, quotients and rounding are used, so that no maths library can change a bit.
 *
 * @returns  cos and sin [numPositions, headDim / 2] f32
 * @throws   ShapeError when headDim is odd
 * @source   arXiv:2104.09864; llama3 scaling as in the Llama 3.1 release; yarn: arXiv:2309.00071
 */
export function ropeTable(options: {
  theta: number;
  headDim: number;
  numPositions: number;
  scaling: RopeScaling | null;
}): { cos: Float32Array; sin: Float32Array } {
  const { theta, headDim, numPositions, scaling } = options;
  if (headDim % 2 !== 0) throw new ShapeError("ropeTable", "headDim", `is ${headDim}, not even`);
  const half = headDim / 2;
  const cos = new Float32Array(numPositions * half);
  const sin = new Float32Array(numPositions * half);
  const lnTheta = ln(theta);
  const ramp = scaling?.type === "yarn" ? yarnRamp(scaling, { lnTheta, headDim }) : null;
  const length = scaling?.type === "yarn" ? yarnLength(scaling) : 1;
  for (let i = 0; i < half; i++) {
    const plain = expNegative(((2 * i) / headDim) * lnTheta);
    const frequency =
      scaling === null || scaling.type !== "yarn"
        ? scaled(plain, scaling)
        : blended(plain, scaling.factor, ramp?.(i) ?? 0);
    for (let position = 0; position < numPositions; position++) {
      const [s, c] = sinCos(position * frequency);
      cos[position * half + i] = c * length;
      sin[position * half + i] = s * length;
    }
  }
  return { cos, sin };
}

/** Returns the position of frequency i between kept (0) and divided by the factor (1). */
function yarnRamp(
  { betaFast, betaSlow, originalMaxPositions, truncate }: Yarn,
  { lnTheta, headDim }: { lnTheta: number; headDim: number },
): (i: number) => number {
  // The frequency that makes this many turns within the original context.
  const place = (turns: number) =>
    (headDim * ln(originalMaxPositions / (turns * TWO_PI))) / (2 * lnTheta);
  const round = truncate ? Math.floor : (value: number) => value;
  const low = Math.max(round(place(betaFast)), 0);
  const high = Math.min(truncate ? Math.ceil(place(betaSlow)) : place(betaSlow), headDim - 1);
  const width = low === high ? 0.001 : high - low;
  return (i) => Math.min(1, Math.max(0, (i - low) / width));
}

function blended(frequency: number, factor: number, ramp: number): number {
  return (frequency / factor) * ramp + frequency * (1 - ramp);
}

/** Returns the factor on cosines and sines: longer contexts need sharper attention. */
function yarnLength({ factor, attentionFactor, mscale, mscaleAllDim }: Yarn): number {
  if (attentionFactor !== null) return attentionFactor;
  const length = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * ln(factor) + 1);
  if (mscale === null || mscaleAllDim === null) return length(1);
  return length(mscale) / length(mscaleAllDim);
}

function scaled(frequency: number, scaling: Exclude<RopeScaling, Yarn> | null): number {
  if (scaling === null) return frequency;
  if (scaling.type === "linear") return frequency / scaling.factor;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
  const wavelength = TWO_PI / frequency;
  if (wavelength < originalMaxPositions / highFreqFactor) return frequency;
  if (wavelength > originalMaxPositions / lowFreqFactor) return frequency / factor;
  const smooth =
    (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** ln x for x > 0: x = m 2^e, then the series of 2 atanh((m - 1) / (m + 1)). */
function ln(x: number): number {
  let m = x;
  let exponent = 0;
  for (; m > Math.SQRT2; m /= 2) exponent++;
  for (; m < Math.SQRT1_2; m *= 2) exponent--;
  const z = (m - 1) / (m + 1);
  let series = 0;
  for (let k = 25; k >= 1; k -= 2) series = series * z * z + 1 / k;
  return 2 * z * series + exponent * LN_2;
}

/** e^-x for x >= 0: x = n ln 2 + r, the series of e^-r, then n halvings. */
function expNegative(x: number): number {
  const n = Math.round(x / LN_2);
  const r = x - n * LN_2;
  let series = 1;
  for (let k = 20; k >= 1; k--) series = 1 - (r / k) * series;
  for (let i = 0; i < n; i++) series /= 2;
  return series;
}

/** Sine and cosine of x >= 0: subtract whole quarter turns, then Taylor series on [-pi/4, pi/4]. */
function sinCos(x: number): [sin: number, cos: number] {
  const quarters = Math.round(x / HALF_PI[0]);
  const r = x - quarters * HALF_PI[0] - quarters * HALF_PI[1] - quarters * HALF_PI[2];
  let s = 1;
  let c = 1;
  for (let k = 18; k >= 2; k -= 2) {
    s = 1 - ((r * r) / (k * (k + 1))) * s;
    c = 1 - ((r * r) / (k * (k - 1))) * c;
  }
  s *= r;
  switch (quarters % 4) {
    case 0:
      return [s, c];
    case 1:
      return [c, -s];
    case 2:
      return [-s, -c];
    default:
      return [-c, s];
  }
}
