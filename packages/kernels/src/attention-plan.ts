import type { Device, Tensor } from "./device.js";
import { ShapeError } from "./errors.js";
import { KV_BLOCK } from "./native/records.js";

/**
 * A run of consecutive query rows that share their keys.
 *
 * Query i of the run sees the first `prefixLength` positions of `prefixBlocks`, then the first
 * `ownLength + i + 1` positions of `ownBlocks`.
 */
export interface AttentionSpan {
  /** First row of the batch. */
  readonly queryStart: number;
  readonly queryCount: number;
  /** Block ids; spans that share a prefix must pass the same array, so that its scores are computed once. */
  readonly prefixBlocks: readonly number[];
  readonly prefixLength: number;
  readonly ownBlocks: readonly number[];
  /** Number of own positions that are already in the cache, before this run's. */
  readonly ownLength: number;
  /** For the backward pass: the batch row at which the prefix's keys begin. */
  readonly prefixRow?: number;
}

/** The keys that each query of a batch sees, in device memory; shared by all layers. */
export interface AttentionPlan {
  readonly words: Tensor;
  /** Number of rows of the batch. */
  readonly rows: number;
  /** Runs of at most 48 queries of one span: tasks of the GPU. */
  readonly numTiles: number;
  /** Largest block id, for the check against a cache. */
  readonly maxBlock: number;
  /** Whether the backward pass is possible: all keys of every span are rows of the batch. */
  readonly hasAllRows: boolean;
}

const HEADER_WORDS = 5;
const CHUNK_WORDS = 4;
const PACK_WORDS = 2;
const TILE_WORDS = 4;
/**
 * Queries per task: enough to reuse a key many times, few enough to fit into the cache, and for any number of
 * heads a multiple of the tiles' 6 rows.
 */
const CHUNK_QUERIES = 24;
/** `TILE_QUERIES` of cuda/attention-plan.h: the steps of the edge in cpu/attention-backward.cpp. */
const TILE_QUERIES = 48;

/**
 * Writes a plan into device memory.
 *
 * @param reuse  a plan whose memory is reused if it is large enough
 * @throws       ShapeError when a span has too few blocks for its positions, or spans that share a prefix
 *               disagree about its length
 */
export function createAttentionPlan(
  device: Device,
  spans: readonly AttentionSpan[],
  reuse: AttentionPlan | null = null,
): AttentionPlan {
  const blocks: number[] = [];
  const prefixOffsets = new Map<readonly number[], number>();
  checkPrefixes(spans);
  const spanWords: number[] = [];
  let rows = 0;
  for (const [index, span] of spans.entries()) {
    checkSpan(index, span);
    let prefixOffset = prefixOffsets.get(span.prefixBlocks);
    if (prefixOffset === undefined) {
      prefixOffset = blocks.length;
      prefixOffsets.set(span.prefixBlocks, prefixOffset);
      for (const block of span.prefixBlocks) blocks.push(block);
    }
    spanWords.push(span.queryStart, span.queryCount, prefixOffset, span.prefixLength);
    spanWords.push(blocks.length, span.ownLength, span.prefixRow ?? -1, 0);
    for (const block of span.ownBlocks) blocks.push(block);
    rows = Math.max(rows, span.queryStart + span.queryCount);
  }
  const chunkWords = cutIntoChunks(spans);
  const packWords = findPacks(spans);
  const tileWords = cutIntoTiles(spans, packWords);
  const records = [spanWords, chunkWords, packWords, tileWords].flat();
  const numTiles = tileWords.length / TILE_WORDS;
  const counts = [chunkWords.length / CHUNK_WORDS, packWords.length / PACK_WORDS, numTiles];
  const header = [spans.length, ...counts, HEADER_WORDS + records.length];
  const words = Int32Array.from(header.concat(records, blocks));
  const maxBlock = blocks.reduce((most, block) => Math.max(most, block), -1);
  const hasAllRows = spans.every((span) => keysAreRows(span, rows));
  return { words: place(device, words, reuse), rows, numTiles, maxBlock, hasAllRows };
}

function keysAreRows(span: AttentionSpan, rows: number): boolean {
  const prefixEnd = (span.prefixRow ?? Infinity) + span.prefixLength;
  return span.ownLength === 0 && (span.prefixLength === 0 || prefixEnd <= rows);
}

function checkSpan(index: number, span: AttentionSpan): void {
  const own = span.ownLength + span.queryCount;
  if (span.queryCount < 1) throw new ShapeError("attentionPlan", `span ${index}`, "has no query");
  if (span.prefixBlocks.length * KV_BLOCK < span.prefixLength) {
    throw new ShapeError("attentionPlan", `span ${index}`, "has too few prefix blocks");
  }
  if (span.ownBlocks.length * KV_BLOCK < own) {
    throw new ShapeError("attentionPlan", `span ${index}`, "has too few own blocks");
  }
}

/** Queries of one prefix are computed together, with the prefix length of the first span. */
function checkPrefixes(spans: readonly AttentionSpan[]): void {
  const lengths = new Map<readonly number[], number>();
  for (const [index, { prefixBlocks, prefixLength }] of spans.entries()) {
    const known = lengths.get(prefixBlocks);
    lengths.set(prefixBlocks, prefixLength);
    if (known === undefined || known === prefixLength) continue;
    const problem = `has a prefix of ${prefixLength} positions, another of its prefix has ${known}`;
    throw new ShapeError("attentionPlan", `span ${index}`, problem);
  }
}

/** Splits the queries into tasks; a task may cover several spans of one prefix. */
function cutIntoChunks(spans: readonly AttentionSpan[]): number[] {
  const words: number[] = [];
  let open: { prefix: readonly number[]; at: number; room: number } | null = null;
  for (const [index, span] of spans.entries()) {
    for (let query = 0; query < span.queryCount;) {
      if (open === null || open.room === 0 || open.prefix !== span.prefixBlocks) {
        open = { prefix: span.prefixBlocks, at: words.length, room: CHUNK_QUERIES };
        words.push(index, query, 0, 0);
      }
      const here = Math.min(open.room, span.queryCount - query);
      words[open.at + 2] = (words[open.at + 2] as number) + here;
      open.room -= here;
      query += here;
    }
  }
  return words;
}

/** A pack is a span without a prefix and the spans with one that follow it. */
function findPacks(spans: readonly AttentionSpan[]): number[] {
  const words: number[] = [];
  for (const [index, span] of spans.entries()) {
    if (index === 0 || span.prefixLength === 0) words.push(index, 1);
    else words[words.length - 1] = (words[words.length - 1] as number) + 1;
  }
  return words;
}

/** Cuts each span into tiles, which know the first span of their pack and the one after its last. */
function cutIntoTiles(spans: readonly AttentionSpan[], packWords: readonly number[]): number[] {
  const words: number[] = [];
  for (let pack = 0; pack < packWords.length; pack += PACK_WORDS) {
    const [first = 0, count = 0] = packWords.slice(pack, pack + PACK_WORDS);
    for (let index = first; index < first + count; index++) {
      const numQueries = spans[index]?.queryCount ?? 0;
      for (let query = 0; query < numQueries; query += TILE_QUERIES) {
        words.push(index, query, first, first + count);
      }
    }
  }
  return words;
}

function place(device: Device, words: Int32Array, reuse: AttentionPlan | null): Tensor {
  const old = reuse?.words ?? null;
  let memory = old;
  if (memory === null || memory.length < words.length) {
    // Allocated before the old memory is freed, so that after a failure the reused plan is still valid.
    memory = device.alloc("i32", 2 * words.length);
    if (old !== null) device.free(old);
  }
  device.write(memory, words);
  return memory;
}
