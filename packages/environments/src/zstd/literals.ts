/**
 * Literals of a block.
 *
 * @source RFC 8878, 3.1.1.3.1
 */
import { ZstdError } from "../errors.js";
import type { FrameState } from "./frame-state.js";
import { decodeStream, readHuffmanTable } from "./huffman.js";

/** The literals of a block, and the offset behind their section. */
interface Literals {
  readonly literals: Uint8Array;
  readonly end: number;
}

/**
 * Reads the literals of a block.
 *
 * @param maxBytes  the largest size of the block
 * @throws          ZstdError
 */
export function readLiterals(block: Uint8Array, maxBytes: number, frame: FrameState): Literals {
  const first = block[0];
  if (first === undefined) throw new ZstdError("it ends in a block");
  const type = first & 3;
  const format = (first >> 2) & 3;
  return type < 2
    ? plainLiterals(block, maxBytes, { format, isRun: type === 1 })
    : codedLiterals(block, maxBytes, { format, isNew: type === 2, frame });
}

function plainLiterals(
  block: Uint8Array,
  maxBytes: number,
  { format, isRun }: { format: number; isRun: boolean },
): Literals {
  const [a = 0, b = 0, c = 0] = block;
  const at = format === 1 ? 2 : format === 3 ? 3 : 1;
  const size = at === 1 ? a >> 3 : (a >> 4) | (b << 4) | (at === 3 ? c << 12 : 0);
  const end = at + (isRun ? 1 : size);
  check(size, maxBytes);
  if (end > block.length) throw new ZstdError("it ends in literals");
  const literals = isRun ? new Uint8Array(size).fill(block[at] ?? 0) : block.subarray(at, end);
  return { literals, end };
}

function codedLiterals(
  block: Uint8Array,
  maxBytes: number,
  { format, isNew, frame }: { format: number; isNew: boolean; frame: FrameState },
): Literals {
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18;
  const at = format < 2 ? 3 : format + 2;
  if (block.length < at) throw new ZstdError("it ends in literals");
  let header = 0;
  for (let i = at - 1; i >= 0; i--) header = header * 256 + (block[i] ?? 0);
  const field = (start: number) => Math.floor(header / 2 ** start) % 2 ** sizeBits;
  const size = field(4);
  const end = at + field(4 + sizeBits);
  check(size, maxBytes);
  if (end > block.length) throw new ZstdError("it ends in literals");
  let streamsAt = at;
  if (isNew) {
    const read = readHuffmanTable(block.subarray(0, end), at);
    frame.huffman = read.table;
    streamsAt = read.end;
  }
  const table = frame.huffman;
  if (table === null) throw new ZstdError("a block repeats a Huffman table that was not there");
  const literals = new Uint8Array(size);
  const streams = block.subarray(streamsAt, end);
  if (format === 0) decodeStream(streams, table, literals);
  else {
    const parts = splitStreams(streams);
    const share = (size + 3) >> 2;
    if (share * 3 > size) throw new ZstdError("literals are too few for four streams");
    for (const [i, part] of parts.entries()) {
      decodeStream(part, table, literals.subarray(i * share, i === 3 ? size : (i + 1) * share));
    }
  }
  return { literals, end };
}

/** Splits four streams, before which the sizes of three are. */
function splitStreams(streams: Uint8Array): Uint8Array[] {
  if (streams.length < 6) throw new ZstdError("it ends in literals");
  const parts: Uint8Array[] = [];
  let start = 6;
  for (let i = 0; i < 6; i += 2) {
    const end = start + ((streams[i] ?? 0) | ((streams[i + 1] ?? 0) << 8));
    parts.push(streams.subarray(start, end));
    start = end;
  }
  if (start >= streams.length) throw new ZstdError("it ends in literals");
  return [...parts, streams.subarray(start)];
}

function check(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new ZstdError("a block has too many literals");
}
