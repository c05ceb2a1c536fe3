/**
 * Huffman codes of literals.
 *
 * @source RFC 8878, 4.2
 */
import { ZstdError } from "../errors.js";
import { BackwardBits } from "./backward-bits.js";
import { readEntropyTable } from "./entropy-table.js";

/** Longest code. */
const MAX_BITS = 11;
const MAX_WEIGHTS = 255;
const WEIGHTS_BOUNDS = { maxAccuracy: 6, maxSymbol: MAX_BITS + 1 };

/** A table by the next `maxBits` bits. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly symbols: Uint8Array;
  readonly numBits: Uint8Array;
}

/**
 * Reads the description of a table.
 *
 * @returns the table, and the offset of the first byte behind its description
 * @throws  ZstdError
 */
export function readHuffmanTable(
  bytes: Uint8Array,
  offset: number,
): { table: HuffmanTable; end: number } {
  const header = bytes[offset];
  if (header === undefined) throw new ZstdError("it ends in a Huffman table");
  const isDirect = header >= 128;
  const end = offset + 1 + (isDirect ? (header - 126) >> 1 : header);
  if (end > bytes.length) throw new ZstdError("it ends in a Huffman table");
  const part = bytes.subarray(offset + 1, end);
  const weights = isDirect ? directWeights(part, header - 127) : codedWeights(part);
  return { table: makeTable(weights), end };
}

function directWeights(part: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const byte = part[i >> 1] ?? 0;
    return i % 2 === 0 ? byte >> 4 : byte & 15;
  });
}

/** Decodes weights by two states that take turns. */
function codedWeights(part: Uint8Array): number[] {
  const { table, end } = readEntropyTable(part, 0, WEIGHTS_BOUNDS);
  const { accuracy, symbols, numBits, baselines } = table;
  const bits = new BackwardBits(part.subarray(end));
  const states = [bits.read(accuracy), bits.read(accuracy)];
  if (bits.left < 0) throw new ZstdError("the weights of a Huffman table are too short");
  const weights: number[] = [];
  for (let turn = 0; ; turn = 1 - turn) {
    const state = states[turn] ?? 0;
    weights.push(symbols[state] ?? 0);
    if (weights.length >= MAX_WEIGHTS) throw new ZstdError("a Huffman table has too many symbols");
    states[turn] = (baselines[state] ?? 0) + bits.read(numBits[state] ?? 0);
    if (bits.left >= 0) continue;
    weights.push(symbols[states[1 - turn] ?? 0] ?? 0);
    return weights;
  }
}

/** Makes a table of the weights of all symbols but the last, whose weight follows from theirs. */
function makeTable(given: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of given) {
    if (weight > MAX_BITS) throw new ZstdError("a Huffman code is too long");
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw new ZstdError("a Huffman table has no symbols");
  const maxBits = 32 - Math.clz32(sum);
  const rest = (1 << maxBits) - sum;
  const lastWeight = 32 - Math.clz32(rest);
  if (maxBits > MAX_BITS || rest !== 1 << (lastWeight - 1)) {
    throw new ZstdError("the weights of a Huffman table do not add up");
  }
  const weights = [...given, lastWeight];
  const symbols = new Uint8Array(1 << maxBits);
  const numBits = new Uint8Array(1 << maxBits);
  let position = 0;
  for (let weight = 1; weight <= maxBits; weight++) {
    for (const [symbol, own] of weights.entries()) {
      if (own !== weight) continue;
      const end = position + (1 << (weight - 1));
      symbols.fill(symbol, position, end);
      numBits.fill(maxBits + 1 - weight, position, end);
      position = end;
    }
  }
  return { maxBits, symbols, numBits };
}

/** Decodes one stream, which must end with its last literal. @throws ZstdError */
export function decodeStream(stream: Uint8Array, table: HuffmanTable, literals: Uint8Array): void {
  const { maxBits, symbols, numBits } = table;
  const bits = new BackwardBits(stream);
  for (let i = 0; i < literals.length; i++) {
    const cell = bits.peek(maxBits);
    literals[i] = symbols[cell] as number;
    bits.advance(numBits[cell] as number);
  }
  if (bits.left !== 0) throw new ZstdError("literals do not end where their bits do");
}
