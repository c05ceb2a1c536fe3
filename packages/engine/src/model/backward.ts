import { type CommandList, ops, type Tensor } from "@gumshoe/kernels";

import { factorName } from "../weights/adapter-layout.js";
import type { ModelConfig } from "../weights/model-config.js";
import type { Arena } from "./activations.js";
import { at, present } from "./checked.js";
import { attentionScale, type LayerPass, recordTransients } from "./forward.js";
import type { Model } from "./model.js";
import { type LinearName, sliceOf } from "./parameters.js";

/** Gradients that flow through a layer, for R rows, all f32; one set serves all layers. */
export interface LayerGradients {
  /** [R, I] */
  readonly gated: Tensor;
  readonly gate: Tensor;
  readonly up: Tensor;
  /** [R, D] of a norm's output */
  readonly normed: Tensor;
  /** [R, H * headDim] */
  readonly attended: Tensor;
  readonly q: Tensor;
  /** [R, K * headDim] */
  readonly k: Tensor;
  readonly v: Tensor;
  /** Before the query and key norm; null without those norms. */
  readonly qRaw: Tensor | null;
  readonly kRaw: Tensor | null;
  /** [R, rank] of an adapter's first product; null without an adapter. */
  readonly lowRank: Tensor | null;
}

/** Allocates the gradients of a layer for up to `rows` rows. */
export function layerGradients(arena: Arena, config: ModelConfig, rows: number): LayerGradients {
  const wide = rows * config.heads * config.headDim;
  const narrow = rows * config.kvHeads * config.headDim;
  return {
    gated: arena.f32(rows * config.intermediateSize),
    gate: arena.f32(rows * config.intermediateSize),
    up: arena.f32(rows * config.intermediateSize),
    normed: arena.f32(rows * config.width),
    attended: arena.f32(wide),
    q: arena.f32(wide),
    k: arena.f32(narrow),
    v: arena.f32(narrow),
    qRaw: config.queryKeyNorm ? arena.f32(wide) : null,
    kRaw: config.queryKeyNorm ? arena.f32(narrow) : null,
    lowRank: config.adapter === null ? null : arena.f32(rows * config.adapter.rank),
  };
}

/** One layer's backward pass: the matching forward pass, and the destination of the gradients. */
export interface LayerBackwardPass extends LayerPass {
  readonly gradients: LayerGradients;
  /** [R, D]: gradient of the stream after the layer; becomes that of the stream before it. */
  readonly dx: Tensor;
  /** Flat gradient of the trainable parameters f32, accumulated. */
  readonly gradient: Tensor;
  /** Whether other layers have overwritten the activations that are cheap to recompute. */
  readonly computesAgain: boolean;
}

/** Records the backward pass of one layer. Parameter gradients accumulate over ascending rows. */
export function recordLayerBackward(list: CommandList, pass: LayerBackwardPass): void {
  if (pass.computesAgain) recordTransients(list, pass);
  recordMlpBackward(list, pass);
  recordAttentionBackward(list, pass);
}

function recordMlpBackward(list: CommandList, pass: LayerBackwardPass): void {
  const { model, activations: a, gradients: g, dx } = pass;
  const { width, intermediateSize } = model.config;
  const rows = pass.batch.rows;
  const weights = at(model.parameters.layers, pass.layer);
  const linear = linearBackward(list, pass);
  linear("down", { x: a.gated, dy: dx, dx: g.gated });
  ops.swigluBackward(list, {
    gate: a.gate,
    up: a.up,
    dy: g.gated,
    dGate: g.gate,
    dUp: g.up,
    length: rows * intermediateSize,
  });
  linear("gate", { x: a.mlpNormed, dy: g.gate, dx: g.normed });
  linear("up", { x: a.mlpNormed, dy: g.up, dx: g.normed, addend: g.normed });
  ops.rmsNormBackward(list, {
    x: a.middle,
    w: weights.mlpNorm,
    rstd: a.mlpRstd,
    dy: g.normed,
    dx,
    dw: gradientOf(pass, `model.layers.${pass.layer}.post_attention_layernorm.weight`),
    rows,
    width,
    accumulateDx: true,
  });
}

function recordAttentionBackward(list: CommandList, pass: LayerBackwardPass): void {
  const { model, batch, activations: a, gradients: g, dx } = pass;
  const { width, heads, kvHeads, headDim } = model.config;
  const { rows } = batch;
  const weights = at(model.parameters.layers, pass.layer);
  const linear = linearBackward(list, pass);
  linear("o", { x: a.attended, dy: dx, dx: g.attended });
  ops.attentionBackward(list, {
    q: a.q,
    y: a.attended,
    dy: g.attended,
    stats: a.stats,
    plan: batch.plan,
    k: a.k,
    v: a.v,
    dq: g.q,
    dk: g.k,
    dv: g.v,
    heads,
    kvHeads,
    headDim,
    scale: attentionScale(headDim),
  });
  const { cos, sin } = model.rotary(batch.numPositions);
  const turn = { positions: batch.positions, cos, sin, rows, headDim, inverse: true };
  ops.rope(list, { ...turn, x: g.q, heads });
  ops.rope(list, { ...turn, x: g.k, heads: kvHeads });
  recordHeadNormsBackward(list, pass);
  linear("q", { x: a.normed, dy: g.qRaw ?? g.q, dx: g.normed });
  linear("k", { x: a.normed, dy: g.kRaw ?? g.k, dx: g.normed, addend: g.normed });
  linear("v", { x: a.normed, dy: g.v, dx: g.normed, addend: g.normed });
  ops.rmsNormBackward(list, {
    x: pass.x,
    w: weights.inputNorm,
    rstd: a.rstd,
    dy: g.normed,
    dx,
    dw: gradientOf(pass, `model.layers.${pass.layer}.input_layernorm.weight`),
    rows,
    width,
    accumulateDx: true,
  });
}

function recordHeadNormsBackward(list: CommandList, pass: LayerBackwardPass): void {
  const { model, activations: a, gradients: g } = pass;
  if (g.qRaw === null || g.kRaw === null) return;
  const { heads, kvHeads, headDim: width } = model.config;
  const { queryNorm, keyNorm } = at(model.parameters.layers, pass.layer);
  const name = `model.layers.${pass.layer}.self_attn`;
  const norm = (x: "qRaw" | "kRaw", rstd: "qRstd" | "kRstd") => ({
    x: present(a[x]),
    rstd: present(a[rstd]),
    width,
    accumulateDx: false,
  });
  ops.rmsNormBackward(list, {
    ...norm("qRaw", "qRstd"),
    w: present(queryNorm),
    dy: g.q,
    dx: g.qRaw,
    rows: pass.batch.rows * heads,
    dw: gradientOf(pass, `${name}.q_norm.weight`),
  });
  ops.rmsNormBackward(list, {
    ...norm("kRaw", "kRstd"),
    w: present(keyNorm),
    dy: g.k,
    dx: g.kRaw,
    rows: pass.batch.rows * kvHeads,
    dw: gradientOf(pass, `${name}.k_norm.weight`),
  });
}

/** Returns a function that records the gradients of one linear layer. */
function linearBackward(list: CommandList, pass: LayerBackwardPass) {
  const m = pass.batch.rows;
  const layer = at(pass.model.parameters.layers, pass.layer);
  return (name: LinearName, args: { x: Tensor; dy: Tensor; dx: Tensor; addend?: Tensor }): void => {
    const weights = layer[name];
    const { n, k, packed: weight } = weights;
    const { x, dy, dx } = args;
    ops.linearBackwardInput(list, { dy, weight, dx, m, n, k, addend: args.addend ?? null });
    recordAdapterBackward(list, pass, { name, x, dy, dx });
    const dw = gradientOf(pass, `${weights.name}.weight`);
    if (dw === null) return;
    const db = weights.bias === null ? null : gradientOf(pass, `${weights.name}.bias`);
    ops.linearBackwardWeight(list, { x, dy, dw, db, m, n, k });
  };
}

/** Records the gradients of a linear layer's adapter, and adds its share to `dx`. */
function recordAdapterBackward(
  list: CommandList,
  pass: LayerBackwardPass,
  { name, x, dy, dx }: { name: LinearName; x: Tensor; dy: Tensor; dx: Tensor },
): void {
  const m = pass.batch.rows;
  const { adapter, n, k, name: module } = at(pass.model.parameters.layers, pass.layer)[name];
  if (adapter === null) return;
  const { a, b, rank, scale: factor } = adapter;
  const [dA, dB] = [factorGradient(pass, module, "A"), factorGradient(pass, module, "B")];
  const low = present(pass.activations.lowRank[name]);
  const dLow = present(pass.gradients.lowRank);
  ops.linearBackwardWeight(list, { x: low, dy, dw: dB, db: null, m, n, k: rank });
  ops.linearBackwardInput(list, { dy, weight: b, dx: dLow, m, n, k: rank, addend: null });
  ops.scale(list, { x: dLow, factor, length: m * rank });
  ops.linearBackwardWeight(list, { x, dy: dLow, dw: dA, db: null, m, n: rank, k });
  ops.linearBackwardInput(list, { dy: dLow, weight: a, dx, m, n: rank, k, addend: dx });
}

function factorGradient(pass: GradientPlace, module: string, factor: "A" | "B"): Tensor {
  return sliceOf(pass.gradient, pass.model.trainable.layout, factorName(module, factor));
}

/** Where gradients are accumulated. */
interface GradientPlace {
  readonly model: Pick<Model, "config" | "trainable">;
  /** Flat gradient of the trainable parameters f32. */
  readonly gradient: Tensor;
}

/** Returns the gradient of one of the model's own parameters; null if they are frozen. */
export function gradientOf({ model, gradient }: GradientPlace, name: string): Tensor | null {
  if (model.config.adapter !== null) return null;
  return sliceOf(gradient, model.trainable.layout, name);
}
