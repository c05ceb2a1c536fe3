/**
 * Sequences of a block: how many literals follow, and which part of the output is repeated behind them.
 *
 * @source RFC 8878, 3.1.1.3.2 and 3.1.1.5
 */
import { ZstdError } from "../errors.js";
import { BackwardBits } from "./backward-bits.js";
import {
  type EntropyTable,
  makeEntropyTable,
  readEntropyTable,
  type SequenceTables,
  singleSymbolTable,
  type TableBounds,
} from "./entropy-table.js";
import type { FrameState } from "./frame-state.js";

/** One of the three fields of a sequence. */
interface Field {
  readonly bounds: TableBounds;
  readonly predefined: EntropyTable;
}

const FIELDS: readonly [Field, Field, Field] = [
  {
    bounds: { maxAccuracy: 9, maxSymbol: 35 },
    predefined: makeEntropyTable(
      [
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1,
        1, -1, -1, -1, -1,
      ],
      6,
    ),
  },
  {
    bounds: { maxAccuracy: 8, maxSymbol: 31 },
    predefined: makeEntropyTable(
      [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
      5,
    ),
  },
  {
    bounds: { maxAccuracy: 9, maxSymbol: 52 },
    predefined: makeEntropyTable(
      [
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
      ],
      6,
    ),
  },
];

/** Extra bits of the codes of literal lengths from 16 on; smaller ones are the length. */
const LITERAL_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
/** Extra bits of the codes of match lengths from 32 on; smaller ones are the length less 3. */
const MATCH_BITS = [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

const LITERAL_CODES = lengthCodes(16, 0, LITERAL_BITS);
const MATCH_CODES = lengthCodes(32, 3, MATCH_BITS);

interface LengthCodes {
  readonly baselines: Int32Array;
  readonly numBits: Uint8Array;
}

function lengthCodes(numPlain: number, shift: number, bits: readonly number[]): LengthCodes {
  const numBits = Uint8Array.from([...Array.from({ length: numPlain }, () => 0), ...bits]);
  let baseline = shift;
  const baselines = Int32Array.from(numBits, (count) => {
    const own = baseline;
    baseline += 1 << count;
    return own;
  });
  return { baselines, numBits };
}

/**
 * Copies literals and repeats output, as the sequences of a block say. Literals that are left are appended.
 *
 * @param section  the section of the sequences, to the end of the block
 * @param end      the output must not reach beyond this offset: the block has a largest size
 * @throws         ZstdError
 */
export function executeSequences(
  section: Uint8Array,
  { literals, end }: { literals: Uint8Array; end: number },
  frame: FrameState,
): void {
  const header = readHeader(section);
  let literalsUsed = 0;
  if (header.count > 0) {
    const { tables, bitsAt } = readTables(section, header, frame);
    const bits = new BackwardBits(section.subarray(bitsAt));
    literalsUsed = copySequences(bits, { count: header.count, tables, literals, end }, frame);
  } else if (header.at !== section.length) {
    throw new ZstdError("a block is longer than its literals");
  }
  const rest = literals.subarray(literalsUsed);
  if (frame.at + rest.length > end) throw new ZstdError("a block holds too much");
  frame.output.set(rest, frame.at);
  frame.at += rest.length;
}

interface Header {
  readonly count: number;
  /** Offset behind the count. */
  readonly at: number;
}

function readHeader(section: Uint8Array): Header {
  const [first, second = 0, third = 0] = section;
  if (first === undefined) throw new ZstdError("it ends in a block");
  if (first < 128) return { count: first, at: 1 };
  const isLong = first === 255;
  const at = isLong ? 3 : 2;
  if (section.length < at) throw new ZstdError("it ends in a block");
  return { count: isLong ? second + (third << 8) + 0x7f00 : ((first - 128) << 8) + second, at };
}

function readTables(
  section: Uint8Array,
  { at }: Header,
  frame: FrameState,
): { tables: SequenceTables; bitsAt: number } {
  const modes = section[at];
  if (modes === undefined || (modes & 3) !== 0) throw new ZstdError("sequences have no tables");
  let bitsAt = at + 1;
  const read = (index: 0 | 1 | 2): EntropyTable => {
    const { bounds, predefined } = FIELDS[index];
    const mode = (modes >> (6 - 2 * index)) & 3;
    if (mode === 0) return predefined;
    if (mode === 1) {
      const symbol = section[bitsAt++];
      if (symbol === undefined || symbol > bounds.maxSymbol) {
        throw new ZstdError("a sequence has an unknown code");
      }
      return singleSymbolTable(symbol);
    }
    if (mode === 2) {
      const { table, end } = readEntropyTable(section, bitsAt, bounds);
      bitsAt = end;
      return table;
    }
    const previous = frame.tables?.[index];
    if (previous === undefined) throw new ZstdError("a block repeats tables that were not there");
    return previous;
  };
  const tables = [read(0), read(1), read(2)] as const;
  frame.tables = tables;
  return { tables, bitsAt };
}

/** Returns how many literals were copied. */
function copySequences(
  bits: BackwardBits,
  {
    count,
    tables,
    literals,
    end,
  }: { count: number; tables: SequenceTables; literals: Uint8Array; end: number },
  frame: FrameState,
): number {
  const [literalTable, offsetTable, matchTable] = tables;
  let literalState = bits.read(literalTable.accuracy);
  let offsetState = bits.read(offsetTable.accuracy);
  let matchState = bits.read(matchTable.accuracy);
  let used = 0;
  for (let left = count; left > 0; left--) {
    const literalCode = literalTable.symbols[literalState] as number;
    const offsetCode = offsetTable.symbols[offsetState] as number;
    const matchCode = matchTable.symbols[matchState] as number;
    const offsetValue = 2 ** offsetCode + bits.read(offsetCode);
    const matchLength =
      (MATCH_CODES.baselines[matchCode] as number) +
      bits.read(MATCH_CODES.numBits[matchCode] as number);
    const literalLength =
      (LITERAL_CODES.baselines[literalCode] as number) +
      bits.read(LITERAL_CODES.numBits[literalCode] as number);
    if (left > 1) {
      literalState = nextState(literalTable, literalState, bits);
      matchState = nextState(matchTable, matchState, bits);
      offsetState = nextState(offsetTable, offsetState, bits);
    }
    if (bits.left < 0) throw new ZstdError("sequences are longer than their bits");
    if (used + literalLength > literals.length) throw new ZstdError("a block lacks literals");
    if (frame.at + literalLength + matchLength > end) {
      throw new ZstdError("a block holds too much");
    }
    frame.output.set(literals.subarray(used, used + literalLength), frame.at);
    used += literalLength;
    frame.at += literalLength;
    repeat(frame, frame.offset(offsetValue, literalLength === 0), matchLength);
  }
  if (bits.left !== 0) throw new ZstdError("sequences do not end where their bits do");
  return used;
}

function nextState(table: EntropyTable, state: number, bits: BackwardBits): number {
  return (table.baselines[state] as number) + bits.read(table.numBits[state] as number);
}

/** Appends a part of the frame's output to it, which may overlap what is appended. */
function repeat(frame: FrameState, offset: number, length: number): void {
  const { output, at } = frame;
  const from = at - offset;
  if (offset <= 0 || from < frame.start) throw new ZstdError("a match begins before the output");
  if (offset >= length) output.copyWithin(at, from, from + length);
  else for (let i = 0; i < length; i++) output[at + i] = output[from + i] as number;
  frame.at = at + length;
}
