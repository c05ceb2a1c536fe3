import { type CommandList, type KvCache, ops, type Tensor } from "@gumshoe/kernels";

import type { LayerActivations } from "./activations.js";
import type { Batch } from "./batch.js";
import { at, present } from "./checked.js";
import type { Model } from "./model.js";
import type { LinearWeights } from "./parameters.js";

/** One layer's inputs and outputs. */
export interface LayerPass {
  readonly model: Model;
  readonly batch: Batch;
  readonly layer: number;
  readonly activations: LayerActivations;
  readonly cache: KvCache;
  /** [R, D] the residual stream before the layer */
  readonly x: Tensor;
  /** [R, D] and after it */
  readonly out: Tensor;
}

/** Records y = x W^T + bias (+ addend) (+ scale (x A^T) B^T) for a layer's weights. */
function recordLinear(
  list: CommandList,
  { adapter, n, k, ...weights }: LinearWeights,
  args: { x: Tensor; y: Tensor; rows: number; lowRank: Tensor | null; addend?: Tensor },
): void {
  const { x, y, rows: m } = args;
  ops.linear(list, {
    x,
    weight: weights.packed,
    bias: weights.bias,
    addend: args.addend ?? null,
    y,
    m,
    n,
    k,
  });
  if (adapter === null) return;
  const { a, b, rank, scale: factor } = adapter;
  const low = present(args.lowRank);
  ops.linear(list, { x, weight: a, bias: null, addend: null, y: low, m, n: rank, k });
  ops.scale(list, { x: low, factor, length: m * rank });
  ops.linear(list, { x: low, weight: b, bias: null, addend: y, y, m, n, k: rank });
}

/** Records the lookup of the batch's tokens into `x` [R, D]. */
export function recordEmbedding(list: CommandList, model: Model, batch: Batch, x: Tensor): void {
  const { width, vocabularySize: vocabulary, tiedHead } = model.config;
  const table = model.parameters.embedding;
  const args = { ids: batch.tokens, table, y: x, rows: batch.rows, width, vocabulary };
  // The embedding is the head too, so it is packed.
  if (tiedHead) ops.embeddingPacked(list, args);
  else ops.embedding(list, args);
}

/** What the final norm reads and writes, for some rows of the residual stream. */
export interface FinalNormPass {
  /** [sourceRows, D] the residual stream after the last layer */
  readonly x: Tensor;
  readonly sourceRows: number;
  /** [count] the rows that are wanted */
  readonly predictors: Tensor;
  readonly count: number;
  /** [count, D] these rows of x */
  readonly gathered: Tensor;
  /** [count, D] and normed, as the head takes them */
  readonly normed: Tensor;
  /** [count] */
  readonly rstd: Tensor;
}

/** Records the norm between the last layer and the head, of the rows that predict something. */
export function recordFinalNorm(list: CommandList, model: Model, pass: FinalNormPass): void {
  const { width, normEps: eps } = model.config;
  const { x, sourceRows, predictors, count, gathered, normed, rstd } = pass;
  ops.gatherRows(list, { x, rows: predictors, y: gathered, count, width, sourceRows });
  const w = model.parameters.finalNorm;
  ops.rmsNorm(list, { x: gathered, w, eps, y: normed, rstd, rows: count, width });
}

/**
 * Records the forward pass of one layer: attention and MLP, each behind a norm and around a residual.
 *
 * Sampler and trainer both call it: one code path, one set of bits.
 */
export function recordLayer(list: CommandList, pass: LayerPass): void {
  const { model, layer, activations: a, x, out } = pass;
  const { width, normEps: eps, heads, headDim, intermediateSize } = model.config;
  const rows = pass.batch.rows;
  const weights = at(model.parameters.layers, layer);
  ops.rmsNorm(list, { x, w: weights.inputNorm, eps, y: a.normed, rstd: a.rstd, rows, width });
  recordQueriesAndKeys(list, pass);
  recordLinear(list, weights.v, { x: a.normed, y: a.v, rows, lowRank: a.lowRank.v });
  const { cache } = pass;
  ops.kvWrite(list, { k: a.k, v: a.v, slots: pass.batch.slots, cache, rows });
  ops.attention(list, {
    q: a.q,
    y: a.attended,
    cache,
    plan: pass.batch.plan,
    stats: a.stats,
    heads,
    scale: attentionScale(headDim),
  });
  recordLinear(list, weights.o, {
    x: a.attended,
    y: a.middle,
    rows,
    lowRank: a.lowRank.o,
    addend: x,
  });
  ops.rmsNorm(list, {
    x: a.middle,
    w: weights.mlpNorm,
    eps,
    y: a.mlpNormed,
    rstd: a.mlpRstd,
    rows,
    width,
  });
  recordLinear(list, weights.gate, { x: a.mlpNormed, y: a.gate, rows, lowRank: a.lowRank.gate });
  recordLinear(list, weights.up, { x: a.mlpNormed, y: a.up, rows, lowRank: a.lowRank.up });
  ops.swiglu(list, { gate: a.gate, up: a.up, y: a.gated, length: rows * intermediateSize });
  recordLinear(list, weights.down, {
    x: a.gated,
    y: out,
    rows,
    lowRank: a.lowRank.down,
    addend: a.middle,
  });
}

/** Records again the activations that the next layer has overwritten. */
export function recordTransients(list: CommandList, pass: LayerPass): void {
  const { model, layer, activations: a, x } = pass;
  const { width, normEps: eps, intermediateSize } = model.config;
  const rows = pass.batch.rows;
  const { inputNorm, mlpNorm } = at(model.parameters.layers, layer);
  ops.rmsNorm(list, { x, w: inputNorm, eps, y: a.normed, rstd: a.rstd, rows, width });
  ops.rmsNorm(list, { x: a.middle, w: mlpNorm, eps, y: a.mlpNormed, rstd: a.mlpRstd, rows, width });
  ops.swiglu(list, { gate: a.gate, up: a.up, y: a.gated, length: rows * intermediateSize });
}

function recordQueriesAndKeys(list: CommandList, pass: LayerPass): void {
  const { model, batch, activations: a } = pass;
  const { heads, kvHeads, headDim, normEps: eps } = model.config;
  const { rows } = batch;
  const weights = at(model.parameters.layers, pass.layer);
  recordLinear(list, weights.q, { x: a.normed, y: a.qRaw ?? a.q, rows, lowRank: a.lowRank.q });
  recordLinear(list, weights.k, { x: a.normed, y: a.kRaw ?? a.k, rows, lowRank: a.lowRank.k });
  if (a.qRaw !== null && a.kRaw !== null && a.qRstd !== null && a.kRstd !== null) {
    const norm = (x: Tensor, w: Tensor | null, to: { y: Tensor; rstd: Tensor; heads: number }) =>
      ops.rmsNorm(list, {
        x,
        w: present(w),
        eps,
        y: to.y,
        rstd: to.rstd,
        rows: rows * to.heads,
        width: headDim,
      });
    norm(a.qRaw, weights.queryNorm, { y: a.q, rstd: a.qRstd, heads });
    norm(a.kRaw, weights.keyNorm, { y: a.k, rstd: a.kRstd, heads: kvHeads });
  }
  const { cos, sin } = model.rotary(batch.numPositions);
  const turn = { positions: batch.positions, cos, sin, rows, headDim, inverse: false };
  ops.rope(list, { ...turn, x: a.q, heads });
  ops.rope(list, { ...turn, x: a.k, heads: kvHeads });
}

/** Scale of the attention scores: 1 / sqrt(headDim). */
export function attentionScale(headDim: number): number {
  return Math.fround(1 / Math.sqrt(headDim));
}
