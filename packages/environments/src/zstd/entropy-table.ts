/**
 * Tables of finite state entropy: each state stands for a symbol, and says how many bits lead to the next state.
 *
 * @source RFC 8878, 4.1
 */
import { ZstdError } from "../errors.js";

/** A table of 2^accuracy states. */
export interface EntropyTable {
  readonly accuracy: number;
  readonly symbols: Uint8Array;
  readonly numBits: Uint8Array;
  /** What the bits are added to. */
  readonly baselines: Uint16Array;
}

/** Tables of literal lengths, offsets and match lengths. */
export type SequenceTables = readonly [EntropyTable, EntropyTable, EntropyTable];

/** Bounds of a table in a block. */
export interface TableBounds {
  readonly maxAccuracy: number;
  readonly maxSymbol: number;
}

/**
 * Reads the description of a table.
 *
 * @returns the table, and the offset of the first byte behind its description
 * @throws  ZstdError
 */
export function readEntropyTable(
  bytes: Uint8Array,
  offset: number,
  { maxAccuracy, maxSymbol }: TableBounds,
): { table: EntropyTable; end: number } {
  const bits = new ForwardBits(bytes, offset);
  const accuracy = bits.read(4) + 5;
  if (accuracy > maxAccuracy) throw new ZstdError("an entropy table has too many states");
  const counts: number[] = [];
  let remaining = 1 << accuracy;
  while (remaining > 0) {
    if (counts.length > maxSymbol) throw new ZstdError("an entropy table has too many symbols");
    const count = readCount(bits, remaining);
    remaining -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3;) {
      repeat = bits.read(2);
      for (let i = 0; i < repeat; i++) counts.push(0);
      if (counts.length > maxSymbol + 1) {
        throw new ZstdError("an entropy table has too many symbols");
      }
    }
  }
  if (remaining < 0) throw new ZstdError("an entropy table has too many states");
  return { table: makeEntropyTable(counts, accuracy), end: bits.end };
}

/** Reads how many states a symbol has; -1 for one that has less than one. */
function readCount(bits: ForwardBits, remaining: number): number {
  const length = 32 - Math.clz32(remaining + 1);
  const low = (1 << (length - 1)) - 1;
  const threshold = (1 << length) - 2 - remaining;
  const value = bits.peek(length);
  if ((value & low) < threshold) {
    bits.advance(length - 1);
    return (value & low) - 1;
  }
  bits.advance(length);
  return (value > low ? value - threshold : value) - 1;
}

/**
 * Makes a table of the number of states of each symbol, -1 for less than one.
 *
 * @throws ZstdError when the symbols do not fill the table
 */
export function makeEntropyTable(counts: readonly number[], accuracy: number): EntropyTable {
  const size = 1 << accuracy;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (const [symbol, count] of counts.entries()) {
    next[symbol] = count === -1 ? 1 : count;
    if (count === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let i = 0; i < count; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  }
  if (position !== 0) throw new ZstdError("an entropy table is not filled");
  const numBits = new Uint8Array(size);
  const baselines = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const value = next[symbol] ?? 0;
    next[symbol] = value + 1;
    const bits = accuracy - (31 - Math.clz32(value));
    numBits[state] = bits;
    baselines[state] = (value << bits) - size;
  }
  return { accuracy, symbols, numBits, baselines };
}

/** Makes the table of one state, for one symbol. */
export function singleSymbolTable(symbol: number): EntropyTable {
  const symbols = Uint8Array.of(symbol);
  return { accuracy: 0, symbols, numBits: Uint8Array.of(0), baselines: Uint16Array.of(0) };
}

/** Reads bits from the beginning, the lowest of a byte first. */
class ForwardBits {
  #bit: number;

  constructor(
    private readonly bytes: Uint8Array,
    offset: number,
  ) {
    this.#bit = offset * 8;
  }

  /** Offset of the first byte of which no bit was read. @throws ZstdError when that is behind the end */
  get end(): number {
    const end = (this.#bit + 7) >>> 3;
    if (end > this.bytes.length) throw new ZstdError("it ends in an entropy table");
    return end;
  }

  read(count: number): number {
    const value = this.peek(count);
    this.advance(count);
    if (this.#bit > this.bytes.length * 8) throw new ZstdError("it ends in an entropy table");
    return value;
  }

  /** Returns the next bits, up to 16. */
  peek(count: number): number {
    const at = this.#bit >>> 3;
    const [a = 0, b = 0, c = 0] = this.bytes.subarray(at, at + 3);
    return ((a | (b << 8) | (c << 16)) >>> (this.#bit & 7)) & ((1 << count) - 1);
  }

  advance(count: number): void {
    this.#bit += count;
  }
}
