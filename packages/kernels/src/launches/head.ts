import {
  i32s,
  failureOf,
  largeGrid,
  launch,
  type Launch,
  over,
  pointers,
  productGrid,
  type Twin,
  vocabularyBlocks,
} from "./launch.js";
import { linear } from "./layers.js";

const VOCABULARY_BLOCK = 512;
/** Most memory for logits that are made again block by block; a block of the vocabulary always fits. */
const LOGITS_BYTES = 64 * 2 ** 20;
/** Bytes of a `Partial`. */
const PARTIAL_BYTES = 12;

interface HeadShape {
  rows: number;
  width: number;
  vocabulary: number;
}

/** A run of vocabulary blocks. */
interface Slab {
  firstBlock: number;
  /** Entries before it, and in it. */
  start: number;
  entries: number;
}

const aligned = (bytes: number) => over(bytes, 256) * 256;

/** Bytes of z for some blocks. */
const logitsBytes = (rows: number, blocks: number) => rows * blocks * VOCABULARY_BLOCK * 4;

/** Blocks whose z are in scratch memory together. */
function slabBlocks({ rows, vocabulary }: HeadShape): number {
  const fit = Math.floor(LOGITS_BYTES / logitsBytes(Math.max(1, rows), 1));
  return Math.min(Math.max(1, fit), vocabularyBlocks(vocabulary));
}

/** All blocks in runs of `blocks`. */
function slabs({ vocabulary }: HeadShape, blocks: number): Slab[] {
  const result: Slab[] = [];
  for (let firstBlock = 0; firstBlock < vocabularyBlocks(vocabulary); firstBlock += blocks) {
    const start = firstBlock * VOCABULARY_BLOCK;
    const entries = Math.min(vocabulary - start, blocks * VOCABULARY_BLOCK);
    result.push({ firstBlock, start, entries });
  }
  return result;
}

function makeLogits(
  { rows, width }: HeadShape,
  { start, entries }: Slab,
  { x, weight, inverse, z }: { x: number; weight: number; inverse: number; z: number },
): Launch {
  const { size, grid } = productGrid(rows, entries);
  const packed = weight + start * width * 4;
  const args = [...pointers(x, packed, inverse, z), ...i32s(rows, width, entries)];
  return launch(`head_logits_${size}`, grid, args);
}

function summarise(
  { rows, vocabulary }: HeadShape,
  { firstBlock, entries }: Slab,
  { z, targets, parts, chosen }: { z: number; targets: number; parts: number; chosen: number },
): Launch {
  const sizes = i32s(rows, entries, firstBlock, vocabularyBlocks(vocabulary));
  const args = [...pointers(z, targets, parts, chosen), ...sizes];
  return launch("head_summaries", [over(rows * vocabularyBlocks(entries), 8)], args);
}

export const headLogits: Twin = {
  launches: ([x = 0, weight = 0, logits = 0, rows = 0, width = 0, vocabulary = 0], memory) =>
    linear.launches([x, weight, 0, logits, rows, vocabulary, width, 0], memory),
};

/** Arguments of a truncation as addresses; 0 for null. */
interface TruncationArguments {
  limits: number;
  banned: number;
  bannedPerRow: number;
  cuts: number;
}

/** Truncates `count` rows of z from `first` on; z are those of these rows alone. */
function truncate(
  { limits, banned, bannedPerRow, cuts }: TruncationArguments,
  { z, first, count, vocabulary }: { z: number; first: number; count: number; vocabulary: number },
): Launch {
  const from = (address: number, perRow: number) => (address === 0 ? 0 : address + first * perRow);
  const rows = [z, from(limits, 12), from(banned, 4 * bannedPerRow), from(cuts, 8)];
  return launch(
    "head_truncate",
    [count],
    [...pointers(...rows), ...i32s(count, vocabulary, bannedPerRow)],
  );
}

/** Rows whose z of the whole vocabulary are in scratch memory together. */
function rowsTogether({ rows, vocabulary }: HeadShape): number {
  const fit = Math.floor(LOGITS_BYTES / logitsBytes(1, vocabularyBlocks(vocabulary)));
  return Math.min(Math.max(1, fit), rows);
}

/** The z and summaries of all rows, a few rows at a time, because a truncation needs the whole vocabulary. */
function truncatedLogits(
  shape: HeadShape,
  truncation: TruncationArguments,
  given: Record<"x" | "weight" | "inverse" | "targets" | "parts" | "chosen" | "z", number> & {
    rowsTogether: number;
  },
): Launch[] {
  const { rows, width, vocabulary } = shape;
  const blocks = vocabularyBlocks(vocabulary);
  const slab = { firstBlock: 0, start: 0, entries: vocabulary };
  const launches: Launch[] = [];
  for (let first = 0; first < rows; first += given.rowsTogether) {
    const count = Math.min(given.rowsTogether, rows - first);
    const part = { rows: count, width, vocabulary };
    const { weight, z } = given;
    const x = given.x + first * width * 4;
    launches.push(
      makeLogits(part, slab, { x, weight, inverse: given.inverse + first * 4, z }),
      truncate(truncation, { z, first, count, vocabulary }),
      summarise(part, slab, {
        z,
        targets: given.targets + first * 4,
        parts: given.parts + first * blocks * PARTIAL_BYTES,
        chosen: given.chosen + first * 4,
      }),
    );
  }
  return launches;
}

export const headLogprobs: Twin = {
  // Scratch: summaries, z of the targets, and z of some blocks, or of some rows if they are truncated, unless the
  // caller keeps all of them.
  scratchBytes: (values) => {
    const [rows = 0, width = 0, vocabulary = 0, kept = 0] = values.slice(7);
    const [cuts = 0] = values.slice(14);
    const shape = { rows, width, vocabulary };
    const blocks = vocabularyBlocks(vocabulary);
    const parts = aligned(rows * blocks * PARTIAL_BYTES) + aligned(rows * 4);
    if (kept !== 0) return parts;
    if (cuts !== 0) return parts + logitsBytes(rowsTogether(shape), blocks);
    return parts + logitsBytes(rows, slabBlocks(shape));
  },
  launches: (values, memory) => {
    const [x = 0, weight = 0, targets = 0, inverse = 0, logprobs = 0, entropies = 0, stats = 0] =
      values;
    const [rows = 0, width = 0, vocabulary = 0, kept = 0] = values.slice(7);
    const [limits = 0, banned = 0, bannedPerRow = 0, cuts = 0] = values.slice(11);
    const shape = { rows, width, vocabulary };
    const blocks = vocabularyBlocks(vocabulary);
    const parts = memory.scratch;
    const chosen = parts + aligned(rows * blocks * PARTIAL_BYTES);
    const z = kept === 0 ? chosen + aligned(rows * 4) : kept;
    const outputs = pointers(parts, chosen, targets, logprobs, entropies, stats);
    const sizes = [...i32s(rows, vocabulary), ...failureOf(memory)];
    const scores = launch("head_logprobs", [over(rows, 64)], [...outputs, ...sizes]);
    if (cuts !== 0) {
      const truncation = { limits, banned, bannedPerRow, cuts };
      const together = kept === 0 ? rowsTogether(shape) : Math.max(1, rows);
      const given = { x, weight, inverse, targets, parts, chosen, z, rowsTogether: together };
      return [...truncatedLogits(shape, truncation, given), scores];
    }
    return [
      ...slabs(shape, kept === 0 ? slabBlocks(shape) : blocks).flatMap((slab) => [
        makeLogits(shape, slab, { x, weight, inverse, z }),
        summarise(shape, slab, { z, targets, parts, chosen }),
      ]),
      scores,
    ];
  },
};

export const headBackward: Twin = {
  scratchBytes: (values) => {
    const [rows = 0, width = 0, vocabulary = 0, kept = 0] = values.slice(10);
    return kept === 0 ? logitsBytes(rows, slabBlocks({ rows, width, vocabulary })) : 0;
  },
  launches: (values, memory) => {
    const [x = 0, weight = 0, targets = 0, inverse = 0, stats = 0, entropies = 0] = values;
    const [dLogprob = 0, dEntropy = 0, dx = 0, dw = 0] = values.slice(6);
    const [rows = 0, width = 0, vocabulary = 0, kept = 0] = values.slice(10);
    const [banned = 0, bannedPerRow = 0, cuts = 0] = values.slice(14);
    const shape = { rows, width, vocabulary };
    const isKept = kept !== 0;
    const z = isKept ? kept : memory.scratch;
    const all = isKept ? vocabularyBlocks(vocabulary) : slabBlocks(shape);
    return slabs(shape, all).flatMap((slab) => {
      const { start, entries } = slab;
      const count = rows * vocabularyBlocks(entries) * VOCABULARY_BLOCK;
      const about = pointers(z, targets, inverse, stats, entropies, dLogprob, dEntropy);
      const packed = weight + start * width * 4;
      const input = [...pointers(z, packed, dx), ...i32s(rows, width, entries, Number(start > 0))];
      const weights = [...pointers(z, x, dw + start * width * 4), ...i32s(rows, width, entries)];
      const excluded = [...pointers(z, banned, cuts), ...i32s(rows, entries, start, bannedPerRow)];
      return [
        ...(isKept ? [] : [makeLogits(shape, slab, { x, weight, inverse, z })]),
        ...(isKept || cuts === 0 ? [] : [launch("head_exclude", [over(count, 256)], excluded)]),
        launch("head_gradients", [over(count, 256)], [...about, ...i32s(rows, entries, start)]),
        launch("head_backward_input", largeGrid(rows, width), input),
        ...(dw === 0 ? [] : [launch("head_backward_weight", largeGrid(entries, width), weights)]),
      ];
    });
  },
};

export const headSample: Twin = {
  // Scratch: summaries, and z of the whole vocabulary.
  scratchBytes: (values) => {
    const [rows = 0, , vocabulary = 0] = values.slice(6);
    const blocks = vocabularyBlocks(vocabulary);
    return aligned(rows * blocks * PARTIAL_BYTES) + logitsBytes(rows, blocks);
  },
  launches: (values, memory) => {
    const [x = 0, weight = 0, inverse = 0, draws = 0, ids = 0, logprobs = 0] = values;
    const [rows = 0, width = 0, vocabulary = 0] = values.slice(6);
    const [limits = 0, banned = 0, bannedPerRow = 0] = values.slice(9);
    const shape = { rows, width, vocabulary };
    const slab = { firstBlock: 0, start: 0, entries: vocabulary };
    const parts = memory.scratch;
    const z = parts + aligned(rows * vocabularyBlocks(vocabulary) * PARTIAL_BYTES);
    const truncation = { limits, banned, bannedPerRow, cuts: 0 };
    const tensors = pointers(z, parts, inverse, draws, ids, logprobs);
    return [
      makeLogits(shape, slab, { x, weight, inverse, z }),
      ...(limits === 0 ? [] : [truncate(truncation, { z, first: 0, count: rows, vocabulary })]),
      summarise(shape, slab, { z, targets: 0, parts, chosen: 0 }),
      launch("head_sample", [rows], [...tensors, ...i32s(rows, vocabulary)]),
    ];
  },
};
