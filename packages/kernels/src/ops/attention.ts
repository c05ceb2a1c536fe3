import type { AttentionPlan } from "../attention-plan.js";
import type { CommandList, Tensor } from "../device.js";
import { ShapeError } from "../errors.js";
import type { KvCache } from "../kv-cache.js";
import { KV_BLOCK } from "../native/records.js";
import { record } from "../record.js";

/**
 * Writes keys and values of new rows into the cache.
 *
 * @param k      [rows, kvHeads * headDim] f32, and `v` likewise
 * @param slots  [rows] i32: block * 16 + position in the block
 */
export function kvWrite(
  list: CommandList,
  args: { k: Tensor; v: Tensor; slots: Tensor; cache: KvCache; rows: number },
): void {
  const { k, v, slots, cache, rows } = args;
  const width = cache.kvHeads * cache.headDim;
  record(
    list,
    "kvWrite",
    {
      k: [k, "f32", rows * width],
      v: [v, "f32", rows * width],
      slots: [slots, "i32", rows],
      cacheK: [cache.k, "f32", cache.numBlocks * KV_BLOCK * width],
      cacheV: [cache.v, "f32", cache.numBlocks * KV_BLOCK * width],
    },
    [
      ...["k", "v", "slots", "cacheK", "cacheV"],
      ...[rows, cache.kvHeads, cache.headDim, cache.numBlocks * KV_BLOCK],
    ],
  );
}

/**
 * Attends from each query to the keys that the plan gives it, with grouped heads.
 *
 * @param q      [rows, heads * headDim] f32
 * @param y      [rows, heads * headDim] f32
 * @param stats  [rows, heads, 2] f32: maximum score and 1 / sum, which the backward pass needs
 * @param scale  of the scores, e.g. 1 / sqrt(headDim)
 * @source       arXiv:1706.03762, arXiv:2305.13245
 */
export function attention(
  list: CommandList,
  args: {
    q: Tensor;
    y: Tensor;
    cache: KvCache;
    plan: AttentionPlan;
    stats: Tensor;
    heads: number;
    scale: number;
  },
): void {
  const { q, y, cache, plan, stats, heads, scale } = args;
  const width = heads * cache.headDim;
  if (plan.maxBlock >= cache.numBlocks) {
    throw new ShapeError("attention", "plan", `names block ${plan.maxBlock} of ${cache.numBlocks}`);
  }
  record(
    list,
    "attention",
    {
      q: [q, "f32", plan.rows * width],
      y: [y, "f32", plan.rows * width],
      cacheK: [cache.k, "f32", 1],
      cacheV: [cache.v, "f32", 1],
      plan: [plan.words, "i32", 1],
      stats: [stats, "f32", plan.rows * heads * 2],
    },
    [
      ...["q", "y", "cacheK", "cacheV", "plan", "stats"],
      ...[heads, cache.kvHeads, cache.headDim, scale],
      ...[Number(list.device.fault === "decode-attention"), plan.numTiles],
    ],
  );
}

/**
 * Computes the gradients of {@link attention} for rows that hold whole packs: every prefix of the plan
 * is among the rows (`prefixRow`), and own keys are the span's own rows.
 *
 * @param q, y, dy, stats  as in the forward pass
 * @param k, v             [rows, kvHeads * headDim] f32
 * @param dq, dk, dv       overwritten
 */
export function attentionBackward(
  list: CommandList,
  args: {
    q: Tensor;
    y: Tensor;
    dy: Tensor;
    stats: Tensor;
    plan: AttentionPlan;
    k: Tensor;
    v: Tensor;
    dq: Tensor;
    dk: Tensor;
    dv: Tensor;
    heads: number;
    kvHeads: number;
    headDim: number;
    scale: number;
  },
): void {
  const { plan, heads, kvHeads, headDim, scale } = args;
  if (!plan.hasAllRows) {
    throw new ShapeError("attentionBackward", "plan", "has keys that are not rows of the batch");
  }
  const wide = plan.rows * heads * headDim;
  const narrow = plan.rows * kvHeads * headDim;
  record(
    list,
    "attentionBackward",
    {
      q: [args.q, "f32", wide],
      y: [args.y, "f32", wide],
      dy: [args.dy, "f32", wide],
      stats: [args.stats, "f32", plan.rows * heads * 2],
      plan: [plan.words, "i32", 1],
      k: [args.k, "f32", narrow],
      v: [args.v, "f32", narrow],
      dq: [args.dq, "f32", wide],
      dk: [args.dk, "f32", narrow],
      dv: [args.dv, "f32", narrow],
    },
    [
      ...["q", "y", "dy", "stats", "plan", "k", "v", "dq", "dk", "dv"],
      ...[plan.rows, heads, kvHeads, headDim, scale, plan.numTiles],
    ],
  );
}
