/** Packs of a prompt and its answers, with keys and values at random positions of a cache. */
import { Rng } from "@gumshoe/core";

import type { AttentionSpan } from "../attention-plan.js";
import { KV_BLOCK } from "../native/records.js";
import { normals } from "./case-rig.js";

/** Sizes of a case. */
export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** For each pack: the numbers of tokens of the prompt and of each answer. */
  readonly packs: readonly (readonly [prompt: number, ...answers: number[]])[];
  readonly outliers?: boolean;
}

/** A run of rows: a prompt, or an answer to it. */
export interface Piece {
  readonly row: number;
  readonly length: number;
  readonly blocks: readonly number[];
  readonly prompt: Piece | null;
}

/** One batch of queries, keys and values. */
export class AttentionCase {
  readonly rows: number;
  readonly pieces: Piece[] = [];
  readonly numBlocks: number;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dy: Float32Array;
  readonly scale: number;

  constructor(
    readonly shape: AttentionShape,
    seed: number,
  ) {
    const rng = new Rng(seed);
    const free: number[] = [];
    const tokens = shape.packs.flat();
    for (const length of tokens) {
      for (let block = 0; block * KV_BLOCK < length; block++) free.push(free.length);
    }
    this.numBlocks = free.length;
    const take = (length: number) =>
      Array.from({ length: Math.ceil(length / KV_BLOCK) }, () => {
        return free.splice(Math.floor(rng.uniform() * free.length), 1)[0] as number;
      });
    let row = 0;
    for (const [prompt, ...answers] of shape.packs) {
      const first: Piece = { row, length: prompt, blocks: take(prompt), prompt: null };
      this.pieces.push(first);
      row += prompt;
      for (const length of answers) {
        this.pieces.push({ row, length, blocks: take(length), prompt: first });
        row += length;
      }
    }
    this.rows = row;
    const { heads, kvHeads, headDim, outliers } = shape;
    this.q = normals(rng, row * heads * headDim, outliers);
    this.k = normals(rng, row * kvHeads * headDim);
    this.v = normals(rng, row * kvHeads * headDim, outliers);
    this.dy = normals(rng, row * heads * headDim);
    this.scale = 1 / Math.sqrt(headDim);
  }

  /** The cache slot of every row. */
  slots(): Int32Array {
    const slots = new Int32Array(this.rows);
    for (const { row, length, blocks } of this.pieces) {
      for (let i = 0; i < length; i++) {
        slots[row + i] = (blocks[i >> 4] as number) * KV_BLOCK + (i % KV_BLOCK);
      }
    }
    return slots;
  }

  /** The plan of a training batch: each piece is a span. */
  packedSpans(): AttentionSpan[] {
    return this.pieces.map(({ row, length, blocks, prompt }) => ({
      queryStart: row,
      queryCount: length,
      prefixBlocks: prompt?.blocks ?? [],
      prefixLength: prompt?.length ?? 0,
      prefixRow: prompt?.row ?? 0,
      ownBlocks: blocks,
      ownLength: 0,
    }));
  }

  /** Rows that a row sees, in order. */
  seenBy(row: number): number[] {
    const piece = this.pieces.find(
      ({ row: start, length }) => row >= start && row < start + length,
    ) as Piece;
    const prefix = piece.prompt === null ? [] : range(piece.prompt.row, piece.prompt.length);
    return [...prefix, ...range(piece.row, row - piece.row + 1)];
  }
}

function range(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i);
}

/** Attention in float64, key by key: y, and the gradients for `dy`. */
export function attentionOracle(c: AttentionCase): Record<"y" | "dq" | "dk" | "dv", Float64Array> {
  const { heads, kvHeads, headDim } = c.shape;
  const y = new Float64Array(c.q.length);
  const dq = new Float64Array(c.q.length);
  const dk = new Float64Array(c.k.length);
  const dv = new Float64Array(c.k.length);
  const dot = (a: Float32Array, i: number, b: Float32Array, j: number) => {
    let total = 0;
    for (let d = 0; d < headDim; d++) total += (a[i + d] as number) * (b[j + d] as number);
    return total;
  };
  const accumulate = (to: Float64Array, i: number, by: number, from: Float32Array) => {
    return (j: number) => {
      for (let d = 0; d < headDim; d++) to[i + d]! += by * from[j + d]!;
    };
  };
  for (let row = 0; row < c.rows; row++) {
    const seen = c.seenBy(row);
    for (let h = 0; h < heads; h++) {
      const i = (row * heads + h) * headDim;
      const at = seen.map((key) => (key * kvHeads + Math.floor((h * kvHeads) / heads)) * headDim);
      const scores = at.map((j) => dot(c.q, i, c.k, j) * c.scale);
      const peak = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((s) => Math.exp(s - peak));
      const total = weights.reduce((a, b) => a + b);
      const slopes = at.map((j) => dot(c.dy, i, c.v, j));
      const mean = slopes.reduce((sum, s, t) => sum + (s * (weights[t] as number)) / total, 0);
      for (const [t, j] of at.entries()) {
        const p = (weights[t] as number) / total;
        const ds = p * ((slopes[t] as number) - mean) * c.scale;
        accumulate(y, i, p, c.v)(j);
        accumulate(dv, j, p, c.dy)(i);
        accumulate(dq, i, ds, c.k)(j);
        accumulate(dk, j, ds, c.q)(i);
      }
    }
  }
  return { y, dq, dk, dv };
}
