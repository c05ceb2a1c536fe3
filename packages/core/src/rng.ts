/**
 * Philox 4x32-10, a counter-based generator: the numbers are a pure function of key and counter,
 * and do not depend on the worker, the order or earlier draws.
 *
 * @source Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Four unsigned 32-bit words. */
export type Words4 = readonly [number, number, number, number];

/**
 * Computes one Philox 4x32-10 block.
 *
 * @param counter  four unsigned 32-bit words
 * @param key      two unsigned 32-bit words
 * @returns        four unsigned 32-bit words
 */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    const high0 = mulHigh(MULTIPLIER_0, c0);
    const high1 = mulHigh(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** Returns the upper 32 bits of an unsigned 32 x 32 bit product, as a signed word. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  // Neither sum exceeds 2^32 - 1, so the shifts lose no bits.
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + (middle >>> 16) + (cross >>> 16)) | 0;
}

/**
 * A stream of random numbers for one purpose, identified by a seed and by parts such as (iteration,
 * task, rollout).
 *
 * - Streams with different seeds or parts are independent; streams with equal ones are identical on
 *   every machine.
 * - `fork` creates a sub-stream that does not depend on earlier draws.
 */
export class Rng {
  readonly #key: readonly [number, number];
  readonly #stream: readonly [number, number];
  #block = 0;
  #words: Words4 = [0, 0, 0, 0];
  #used = 4;

  /**
   * @param seed   an integer
   * @param parts  integers that identify the purpose; (1, 2) and (1, 2, 0) are different streams
   */
  constructor(seed: number, ...parts: number[]) {
    let state: Words4 = philox4x32([lowWord(seed), highWord(seed), parts.length, 0], [0x67756d, 1]);
    for (const part of parts) {
      state = philox4x32(
        [(state[0] ^ lowWord(part)) >>> 0, (state[1] ^ highWord(part)) >>> 0, state[2], state[3]],
        [0x67756d, 2],
      );
    }
    this.#key = [state[0], state[1]];
    this.#stream = [state[2], state[3]];
  }

  /** The key words of this stream, for native code that computes the same numbers. */
  get key(): readonly [number, number] {
    return this.#key;
  }

  /** Creates a sub-stream. */
  fork(...parts: number[]): Rng {
    return new Rng(0, ...this.#key, ...this.#stream, ...parts);
  }

  /** Draws an unsigned 32-bit integer. */
  uint32(): number {
    if (this.#used === 4) {
      this.#words = philox4x32([this.#block++, 0, ...this.#stream], this.#key);
      this.#used = 0;
    }
    return this.#words[this.#used++] as number;
  }

  /** Draws a number in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }

  /** Draws an integer in [0, bound) without bias; `bound` is 1 to 2^32. */
  below(bound: number): number {
    if (!(bound >= 1 && bound <= 0x1_0000_0000)) {
      throw new RangeError(`a bound is 1 to 2^32, not ${bound}`);
    }
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % bound;
    }
  }

  /** Draws an integer in [low, high], both inclusive. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** Returns true with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Draws one element of a non-empty list. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("cannot pick from an empty list");
    return items[this.below(items.length)] as T;
  }

  /** Returns the items in a random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [result[i], result[j]] = [result[j] as T, result[i] as T];
    }
    return result;
  }
}

/** Returns the lower 32 bits of an integer, in two's complement. */
function lowWord(value: number): number {
  return checkedInteger(value) >>> 0;
}

/** Returns bits 32 to 63 of an integer, in two's complement. */
function highWord(value: number): number {
  return Math.floor(checkedInteger(value) / 0x1_0000_0000) >>> 0;
}

function checkedInteger(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`a seed and its parts are integers, not ${value}`);
}
