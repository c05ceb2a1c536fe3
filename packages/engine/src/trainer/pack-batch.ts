import { type Pack, packRow } from "@gumshoe/grpo";
import { type AttentionSpan, KV_BLOCK } from "@gumshoe/kernels";

import type { BatchRows } from "../model/batch.js";
import { blocksFor } from "./workspace.js";

/** Packs laid out one after another as the rows of one batch. */
export interface PackBatch extends BatchRows {
  /** [N] ids to be scored */
  readonly targets: Int32Array;
  /** [N] row that predicts each target */
  readonly predictors: Int32Array;
  /** Blocks of the KV cache. */
  readonly numBlocks: number;
  /** Index of the first target of each pack, and the end of the last. */
  readonly targetStarts: readonly number[];
}

/** Lays packs out as one batch. Every segment starts a fresh cache block. */
export function packBatch(packs: readonly Pack[]): PackBatch {
  const rows = packs.map(packRow);
  const spans: AttentionSpan[] = [];
  const slots: number[] = [];
  const targetStarts = [0];
  let rowStart = 0;
  let block = 0;
  for (const row of rows) {
    let prefix: { blocks: number[]; length: number; row: number } | null = null;
    for (const segment of row.segments) {
      if (segment.length === 0) continue;
      const blocks = Array.from({ length: blocksFor(segment.length) }, (_, i) => block + i);
      for (let t = 0; t < segment.length; t++) slots.push(block * KV_BLOCK + t);
      block += blocks.length;
      const isPrompt = segment.kind === "prompt";
      spans.push({
        queryStart: rowStart + segment.start,
        queryCount: segment.length,
        prefixBlocks: isPrompt || prefix === null ? [] : prefix.blocks,
        prefixLength: isPrompt || prefix === null ? 0 : prefix.length,
        ownBlocks: blocks,
        ownLength: 0,
        ...(isPrompt || prefix === null ? {} : { prefixRow: prefix.row }),
      });
      if (isPrompt) prefix = { blocks, length: segment.length, row: rowStart + segment.start };
    }
    rowStart += row.tokens.length;
    targetStarts.push((targetStarts.at(-1) as number) + row.targets.length);
  }
  return {
    tokens: concatenate(rows.map((row) => row.tokens)),
    positions: concatenate(rows.map((row) => row.positions)),
    slots: Int32Array.from(slots),
    spans,
    targets: concatenate(rows.map((row) => row.targets)),
    predictors: concatenate(
      rows.map((row, i) =>
        shifted(
          row.predictors,
          sum(rows, i, (r) => r.tokens.length),
        ),
      ),
    ),
    numBlocks: block,
    targetStarts,
  };
}

/** Splits packs into batches of at most `maxRows` rows, in order. A larger pack is a batch of its own. */
export function cutIntoRuns<T>(
  packs: readonly T[],
  maxRows: number,
  rowsOf: (pack: T) => number,
): T[][] {
  const runs: T[][] = [];
  let room = 0;
  for (const pack of packs) {
    const rows = rowsOf(pack);
    if (runs.length === 0 || rows > room) {
      runs.push([]);
      room = maxRows;
    }
    runs.at(-1)?.push(pack);
    room -= rows;
  }
  return runs;
}

function concatenate(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((total, part) => total + part.length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

function shifted(values: Int32Array, by: number): Int32Array {
  return values.map((value) => value + by);
}

function sum<T>(items: readonly T[], count: number, value: (item: T) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += value(items[i] as T);
  return total;
}
