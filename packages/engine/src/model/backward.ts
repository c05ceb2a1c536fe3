import { type CommandList, ops, type Tensor } from "@gumshoe/kernels";

import { type ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout } from "../weights/parameter-layout.js";
import { type Arena, type LayerActivations } from "./activations.js";
import { at, present } from "./checked.js";
import { attentionScale, type LayerPass, recordTransients } from "./forward.js";
import { type LinearWeights, sliceOf } from "./parameters.js";

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
  };
}

/** One layer's backward pass: the matching forward pass, and the destination of the gradients. */
export interface LayerBackwardPass extends LayerPass {
  readonly gradients: LayerGradients;
  /** [R, D]: gradient of the stream after the layer; becomes that of the stream before it. */
  readonly dx: Tensor;
  /** Flat gradient [numParameters] f32, accumulated. */
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
  linear(weights.down, { x: a.gated, dy: dx, dx: g.gated });
  ops.swigluBackward(list, {
    gate: a.gate,
    up: a.up,
    dy: g.gated,
    dGate: g.gate,
    dUp: g.up,
    length: rows * intermediateSize,
  });
  linear(weights.gate, { x: a.mlpNormed, dy: g.gate, dx: g.normed });
  linear(weights.up, { x: a.mlpNormed, dy: g.up, dx: g.normed, addend: g.normed });
  ops.rmsNormBackward(list, {
    x: a.middle,
    w: weights.mlpNorm,
    rstd: a.mlpRstd,
    dy: g.normed,
    dx,
    dw: parameter(pass, `model.layers.${pass.layer}.post_attention_layernorm.weight`),
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
  linear(weights.o, { x: a.attended, dy: dx, dx: g.attended });
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
  linear(weights.q, { x: a.normed, dy: g.qRaw ?? g.q, dx: g.normed });
  linear(weights.k, { x: a.normed, dy: g.kRaw ?? g.k, dx: g.normed, addend: g.normed });
  linear(weights.v, { x: a.normed, dy: g.v, dx: g.normed, addend: g.normed });
  ops.rmsNormBackward(list, {
    x: pass.x,
    w: weights.inputNorm,
    rstd: a.rstd,
    dy: g.normed,
    dx,
    dw: parameter(pass, `model.layers.${pass.layer}.input_layernorm.weight`),
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
  const norm = (x: keyof LayerActivations, rstd: keyof LayerActivations) => ({
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
    dw: parameter(pass, `${name}.q_norm.weight`),
  });
  ops.rmsNormBackward(list, {
    ...norm("kRaw", "kRstd"),
    w: present(keyNorm),
    dy: g.k,
    dx: g.kRaw,
    rows: pass.batch.rows * kvHeads,
    dw: parameter(pass, `${name}.k_norm.weight`),
  });
}

/** Returns a function that records the gradients of one linear layer. */
function linearBackward(list: CommandList, pass: LayerBackwardPass) {
  const m = pass.batch.rows;
  return (
    weights: LinearWeights,
    args: { x: Tensor; dy: Tensor; dx: Tensor; addend?: Tensor },
  ): void => {
    const { n, k, packed: weight } = weights;
    const { x, dy, dx } = args;
    ops.linearBackwardInput(list, { dy, weight, dx, m, n, k, addend: args.addend ?? null });
    const dw = parameter(pass, `${weights.name}.weight`);
    const db = weights.bias === null ? null : parameter(pass, `${weights.name}.bias`);
    ops.linearBackwardWeight(list, { x, dy, dw, db, m, n, k });
  };
}

function parameter(
  pass: { model: { layout: ParameterLayout }; gradient: Tensor },
  name: string,
): Tensor {
  return sliceOf(pass.gradient, pass.model.layout, name);
}
