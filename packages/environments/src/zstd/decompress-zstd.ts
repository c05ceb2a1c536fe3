/**
 * Decompresses Zstandard, in memory that the caller bounds: the output has a given size, and nothing else grows with
 * the input. Node.js has this from version 22.15 on; this package runs on older ones.
 *
 * - Every size, code, table and offset is checked, and every bit stream must end where its content does, so that a
 *   damaged file is an error and not other text.
 * - A block makes at most 128 KiB, so the time is linear in input and output.
 * - Dictionaries are refused. A checksum is compared where there is one.
 *
 * @source RFC 8878
 */
import { ZstdError } from "../errors.js";
import { FrameState } from "./frame-state.js";
import { readLiterals } from "./literals.js";
import { executeSequences } from "./sequences.js";
import { xxHash64Low } from "./xx-hash64.js";

const MAGIC = 0xfd2fb528;
/** First of the sixteen magic numbers of frames that are skipped. */
const SKIPPABLE = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * Decompresses all frames of an input.
 *
 * @param outputBytes  what they hold, exactly
 * @throws             ZstdError when the input is damaged, or holds more or less
 */
export function decompressZstd(input: Uint8Array, outputBytes: number): Uint8Array {
  // Before memory is taken for it: a block of a few bytes makes at most so much.
  if (outputBytes > Math.ceil(input.length / 4) * MAX_BLOCK_BYTES) {
    throw new ZstdError(`${input.length} bytes cannot hold ${outputBytes}`);
  }
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const output = new Uint8Array(outputBytes);
  let made = 0;
  for (let at = 0; at < input.length;) {
    if (at + 8 > input.length) throw new ZstdError("it ends in the header of a frame");
    const magic = view.getUint32(at, true);
    if (magic - (magic % 16) === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true);
      if (at > input.length) throw new ZstdError("it ends in a frame that is skipped");
      continue;
    }
    if (magic !== MAGIC) throw new ZstdError("it does not begin as Zstandard");
    const frame = new FrameState(output, made);
    at = readFrame(view, at + 4, frame);
    made = frame.at;
  }
  if (made !== outputBytes) throw new ZstdError(`it holds ${made} bytes, not ${outputBytes}`);
  return output;
}

/** Decompresses a frame, and returns the offset behind it. */
function readFrame(view: DataView, start: number, frame: FrameState): number {
  const input = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const header = readFrameHeader(view, start);
  let at = header.end;
  for (let isLast = false; !isLast;) {
    if (at + 3 > input.length) throw new ZstdError("it ends before the last block");
    const word = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    isLast = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    at += 3;
    if (type === 3 || size > header.maxBlockBytes) throw new ZstdError("a block is not valid");
    const end = at + (type === 1 ? 1 : size);
    if (end > input.length) throw new ZstdError("it ends in a block");
    readBlock({ type, size, block: input.subarray(at, end) }, header.maxBlockBytes, frame);
    at = end;
  }
  const made = frame.at - frame.start;
  if (header.contentBytes !== null && header.contentBytes !== made) {
    throw new ZstdError(`a frame holds ${made} bytes, not ${header.contentBytes}`);
  }
  if (!header.hasChecksum) return at;
  if (at + 4 > input.length) throw new ZstdError("it ends in a checksum");
  const content = frame.output.subarray(frame.start, frame.at);
  if (xxHash64Low(content) !== view.getUint32(at, true)) {
    throw new ZstdError("its checksum is another");
  }
  return at + 4;
}

interface FrameHeader {
  /** Size of the content; null where the frame does not say it. */
  readonly contentBytes: number | null;
  readonly maxBlockBytes: number;
  readonly hasChecksum: boolean;
  /** Offset behind the header. */
  readonly end: number;
}

function readFrameHeader(view: DataView, start: number): FrameHeader {
  const byte = (at: number) => {
    if (at >= view.byteLength) throw new ZstdError("it ends in the header of a frame");
    return view.getUint8(at);
  };
  const flags = byte(start);
  const isSingle = (flags & 0x20) !== 0;
  if ((flags & 8) !== 0) throw new ZstdError("a frame is of a later version");
  let at = start + 1;
  let windowBytes = 0;
  if (!isSingle) {
    const window = byte(at++);
    const base = 2 ** (10 + (window >> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  for (let i = [0, 1, 2, 4][flags & 3] ?? 0; i > 0; i--) {
    if (byte(at++) !== 0) throw new ZstdError("it needs a dictionary");
  }
  const numBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  let contentBytes = 0;
  for (let i = 0; i < numBytes; i++) contentBytes += byte(at++) * 256 ** i;
  if (numBytes === 2) contentBytes += 256;
  const maxBlockBytes = Math.min(MAX_BLOCK_BYTES, isSingle ? contentBytes : windowBytes);
  const hasChecksum = (flags & 4) !== 0;
  return {
    contentBytes: numBytes === 0 ? null : contentBytes,
    maxBlockBytes,
    hasChecksum,
    end: at,
  };
}

function readBlock(
  { type, size, block }: { type: number; size: number; block: Uint8Array },
  maxBlockBytes: number,
  frame: FrameState,
): void {
  const { output, at } = frame;
  if (type === 2) {
    const { literals, end } = readLiterals(block, maxBlockBytes, frame);
    const most = Math.min(output.length, at + maxBlockBytes);
    executeSequences(block.subarray(end), { literals, end: most }, frame);
    return;
  }
  if (at + size > output.length) throw new ZstdError("it holds more than it should");
  if (type === 0) output.set(block, at);
  else output.fill(block[0] ?? 0, at, at + size);
  frame.at = at + size;
}
