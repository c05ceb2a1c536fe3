/** A few small cases of every operation: ragged sizes, every variant of a kernel, outliers. */
import { Rng } from "@gumshoe/core";

import { createAttentionPlan } from "../attention-plan.js";
import { createKvCache } from "../kv-cache.js";
import * as ops from "../ops.js";
import { AttentionCase, type AttentionShape } from "./attention-case.js";
import { integers, normals, type Rig } from "./case-rig.js";

/** A named run of some operations. */
export interface OperationCase {
  readonly name: string;
  readonly run: (rig: Rig) => void;
}

/** Top-k, top-p and min-p of four rows. */
const LIMITS = [7, 0.8, 0, 0, 1, 0, 0, 0.95, 0.05, 0, 1, 0];
const RULE = { lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, step: 3 };

function packed(rig: Rig, w: Float32Array, n: number, k: number) {
  const weight = rig.out(ops.packedLength(n, k), NaN);
  rig.run((list) => ops.packMatrix(list, { w: rig.put(w), packed: weight, n, k }));
  return weight;
}

function products([m, n, k]: readonly [number, number, number]): OperationCase {
  const run = (rig: Rig) => {
    const rng = new Rng(11, m, n, k);
    const random = (length: number) => rig.put(normals(rng, length, true));
    const weight = packed(rig, normals(rng, n * k, true), n, k);
    const [x, dy, bias] = [random(m * k), random(m * n), random(n)];
    const y = random(m * n);
    const dx = rig.out(m * k);
    const [dw, db] = [random(n * k), random(n)];
    rig.run((list) => {
      ops.linear(list, { x, weight, bias, addend: y, y, m, n, k });
      ops.linear(list, { x, weight, bias: null, addend: null, y: rig.out(m * n), m, n, k });
      ops.linearBackwardInput(list, { dy, weight, dx, m, n, k, addend: null });
      ops.linearBackwardWeight(list, { x, dy, dw, db, m, n, k });
    });
  };
  return { name: `${m}x${n}x${k}`, run };
}

function rows(count: number, width: number): OperationCase {
  const run = (rig: Rig) => {
    const rng = new Rng(12, count, width);
    const [entries, heads] = [37, 3];
    const random = (length: number) => rig.put(normals(rng, length, true));
    const ids = rig.put(integers(rng, count, entries));
    const half = Math.ceil(width / 2);
    const [x, w, dy] = [random(count * width), random(width), random(count * width)];
    const rstd = random(count);
    const [out, table, dw] = [rig.out(count * width), random(entries * width), random(width)];
    const weight = packed(rig, normals(rng, entries * width), entries, width);
    const shape = { rows: count, width };
    const about = { ids, ...shape, vocabulary: entries };
    const [gate, up] = [rig.put(normals(rng, count * width)), random(count * width)];
    const [dGate, dUp] = [rig.out(count * width), rig.out(count * width)];
    const length = count * width;
    const rotated = { x: random(count * heads * 2 * half), positions: ids, rows: count, heads };
    const angles = { cos: random(entries * half), sin: random(entries * half), headDim: 2 * half };
    const sums = rig.put(new Float64Array(Math.ceil(length / 50)));
    rig.run((list) => {
      ops.embedding(list, { ...about, table, y: out });
      ops.embeddingPacked(list, { ...about, table: weight, y: rig.out(length) });
      ops.embeddingBackward(list, { ...about, dy, dTable: table });
      ops.gatherRows(list, { x: table, rows: ids, y: out, count, width, sourceRows: entries });
      ops.scatterAddRows(list, { dy, rows: ids, dx: table, count, width, targetRows: entries });
      ops.rmsNorm(list, { x, w: w, eps: 1e-6, y: out, rstd: rstd, ...shape });
      for (const accumulateDx of [false, true]) {
        const gradients = { dy: dy, dx: dUp, dw, accumulateDx };
        const inputs = { x, w: w, rstd: rstd };
        ops.rmsNormBackward(list, { ...inputs, ...gradients, ...shape });
      }
      const frozen = { x, w, rstd, dy, dx: dUp, dw: null, accumulateDx: true };
      ops.rmsNormBackward(list, { ...frozen, ...shape });
      ops.rope(list, { ...rotated, ...angles, inverse: false });
      ops.rope(list, { ...rotated, ...angles, inverse: true });
      ops.swiglu(list, { gate, up, y: out, length });
      ops.swigluBackward(list, { gate, up, dy: dy, dGate, dUp, length });
      ops.add(list, { x, y: out, length });
      ops.fill(list, { x: dGate, value: 0.25, length });
      ops.scale(list, { x: out, factor: 0.7, length });
      ops.sumSquaresBlocks(list, { x, length, blockSize: 50, out: sums });
    });
  };
  return { name: `${count} rows of ${width}`, run };
}

function steps(n: number, k: number, first: number, last: number): OperationCase {
  const run = (rig: Rig) => {
    const rng = new Rng(13, n, k);
    const random = (length: number) => rig.put(normals(rng, length));
    const squares = (length: number) => rig.put(normals(rng, length).map((x) => x * x));
    const weight = packed(rig, normals(rng, n * k), n, k);
    const length = last - first;
    const state = { m: random(length), v: squares(length), grad: random(length) };
    const flat = { from: random(length), to: rig.out(length), ...state };
    rig.run((list) => {
      ops.adamw(list, { ...flat, ...RULE, gradScale: 0.7, length });
      const moved = { from: weight, to: weight, ...state, n, k, first, last };
      ops.adamwPacked(list, { ...moved, ...RULE, gradScale: 1 });
    });
  };
  return { name: `${first} to ${last} of ${n}x${k}`, run };
}

function head(count: number, width: number, vocabulary: number): OperationCase {
  const run = (rig: Rig) => {
    const rng = new Rng(14, count, width, vocabulary);
    const weight = packed(rig, normals(rng, vocabulary * width), vocabulary, width);
    const shape = { rows: count, width, vocabulary };
    const x = rig.put(normals(rng, count * width));
    const targets = rig.put(integers(rng, count, vocabulary));
    const warm = Float32Array.from({ length: count }, (_, i) => [1, 1 / 0.7, 0][i % 3] as number);
    const about = { ...shape, x, weight, invTemperature: rig.put(warm), truncation: null };
    const draws = rig.put(Uint32Array.from(integers(rng, 2 * count, 2 ** 31), (d) => 2 * d));
    const [stats, entropies] = [rig.out(2 * count), rig.out(count)];
    const [dLogprob, dEntropy] = [rig.put(normals(rng, count)), rig.put(normals(rng, count))];
    const dw = rig.put(normals(rng, vocabulary * width));
    const [logits, logprobs] = [rig.out(count * vocabulary), rig.out(count)];
    const scored = { ...about, targets, stats, entropies };
    rig.run((list) => {
      ops.headLogits(list, { ...shape, x, weight, logits });
      ops.headLogprobs(list, { ...scored, logprobs, kept: null });
      const gradients = { dLogprob, dEntropy, dx: rig.out(count * width), dw, kept: null };
      ops.headBackward(list, { ...scored, ...gradients });
      const ids = rig.put(new Int32Array(count));
      ops.headSample(list, { ...about, draws, ids, logprobs });
    });
    // Every second row has no limits.
    const limits = Float32Array.from({ length: 3 * count }, (_, i) => LIMITS[i % 12] as number);
    const banned = rig.put(integers(rng, 2 * count, vocabulary));
    const cuts = rig.out(2 * count);
    const truncation = { limits: rig.put(limits), banned, bannedPerRow: 2, cuts };
    rig.run((list) => {
      const ids = rig.put(new Int32Array(count));
      ops.headSample(list, { ...about, draws, ids, logprobs, truncation });
      const some = { ...scored, targets: ids, truncation };
      ops.headLogprobs(list, { ...some, logprobs, kept: null });
      const gradients = { dLogprob, dEntropy, dx: rig.out(count * width), dw, kept: null };
      ops.headBackward(list, { ...some, ...gradients });
    });
  };
  return { name: `${count} rows of ${width}, ${vocabulary} entries`, run };
}

function attends(shape: AttentionShape): OperationCase {
  const run = (rig: Rig) => {
    const c = new AttentionCase(shape, 15);
    const { heads, kvHeads, headDim } = shape;
    const [wide, narrow] = [c.rows * heads * headDim, c.rows * kvHeads * headDim];
    const cache = createKvCache(rig.device, { numBlocks: c.numBlocks, kvHeads, headDim });
    const plan = createAttentionPlan(rig.device, c.packedSpans());
    const [k, v, slots] = [rig.put(c.k), rig.put(c.v), rig.put(c.slots())];
    const [y, stats] = [rig.out(wide), rig.out(c.rows * heads * 2)];
    const [dq, dk, dv] = [rig.out(wide), rig.out(narrow), rig.out(narrow)];
    const common = { q: rig.put(c.q), y, plan, stats, heads, scale: c.scale };
    rig.run((list) => {
      ops.kvWrite(list, { k, v, slots, cache, rows: c.rows });
      ops.attention(list, { ...common, cache });
      const gradients = { dy: rig.put(c.dy), k, v, dq, dk, dv, kvHeads, headDim };
      ops.attentionBackward(list, { ...common, ...gradients });
    });
  };
  const { heads, headDim, packs } = shape;
  return { name: `${heads} heads of ${headDim}, packs of ${packs.join(" and ")}`, run };
}

/** All cases; together they run every operation that has a CUDA kernel. */
export const OPERATION_CASES: readonly OperationCase[] = [
  products([3, 70, 37]),
  products([30, 36, 20]),
  products([131, 40, 23]),
  rows(9, 21),
  rows(40, 64),
  steps(70, 45, 100, 2500),
  head(5, 17, 1030),
  head(18, 8, 40),
  attends({ heads: 4, kvHeads: 2, headDim: 20, packs: [[19, 50, 7], [5]], outliers: true }),
  attends({ heads: 1, kvHeads: 1, headDim: 72, packs: [[17, 3]] }),
  attends({ heads: 2, kvHeads: 1, headDim: 130, packs: [[4, 2]] }),
];
