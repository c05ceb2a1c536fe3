import type { ModelConfig } from "@gumshoe/engine";
import {
  type AttentionPlan,
  type AttentionSpan,
  type CommandList,
  createAttentionPlan,
  createKvCache,
  type Device,
  type HostArray,
  KV_BLOCK,
  ops,
  type Tensor,
} from "@gumshoe/kernels";

/** One kernel at one shape. */
export interface Job {
  readonly name: string;
  readonly shape: string;
  /** Floating-point operations, or bytes read and written. */
  readonly work: number;
  readonly unit: "GFLOP/s" | "GB/s";
  readonly record: (list: CommandList) => void;
}

const TRAINING_ROWS = 2048;
/** Rows of a decode step; small and large numbers use different tiles. */
const DECODE_ROWS = [1, 2, 3, 8, 32];
/** Tokens of a training sequence. */
const SEQUENCE = 512;
/** A decode step: groups of answers, each with its shared prompt and its own tokens so far. */
const DECODE = { groups: 4, answers: 8, prompt: 256, own: 64 };

/** The timed kernels of one model shape. Their tensors live as long as the device. */
export class Workload {
  readonly #x: Tensor;
  readonly #wide: Tensor;

  constructor(
    readonly device: Device,
    readonly shape: ModelConfig,
  ) {
    this.#x = this.#random(TRAINING_ROWS * shape.width);
    this.#wide = this.#random(TRAINING_ROWS * shape.intermediateSize);
  }

  jobs(): Job[] {
    const { width, intermediateSize: intermediate } = this.shape;
    const [m, v] = [TRAINING_ROWS, intermediate];
    return [
      ...this.#products(m, v, width),
      ...this.#products(m, width, v),
      ...DECODE_ROWS.map((rows) => this.#forward(rows, v, width)),
      ...this.#trainingAttention(),
      this.#decodeAttention(),
      ...this.#head(),
      ...this.#elementwise(),
    ];
  }

  #put(values: HostArray): Tensor {
    const dtype = values instanceof Float32Array ? "f32" : "i32";
    const tensor = this.device.alloc(dtype, values.length);
    this.device.write(tensor, values);
    return tensor;
  }

  /**
   * Returns numbers in [-1, 1) from a linear congruential generator: only their magnitude matters.
   */
  #random(length: number): Tensor {
    const values = new Float32Array(length);
    let state = 1;
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      values[i] = state / 2 ** 31;
    }
    return this.#put(values);
  }

  #ids(length: number): Tensor {
    const { vocabularySize: vocabulary } = this.shape;
    return this.#put(Int32Array.from({ length }, (_, i) => (i * 7919) % vocabulary));
  }

  #packed(n: number, k: number): Tensor {
    const packed = this.device.alloc("f32", ops.packedLength(n, k));
    const list = this.device.createCommandList();
    ops.packMatrix(list, { w: this.#random(n * k), packed, n, k });
    list.run();
    return packed;
  }

  #forward(m: number, n: number, k: number): Job {
    const x = this.#random(m * k);
    const y = this.#random(m * n);
    const weight = this.#packed(n, k);
    const args = { x, weight, bias: null, addend: null, y, m, n, k };
    const record = (list: CommandList) => ops.linear(list, args);
    return {
      name: "linear",
      shape: `${m}x${n}x${k}`,
      work: 2 * m * n * k,
      unit: "GFLOP/s",
      record,
    };
  }

  #products(m: number, n: number, k: number): Job[] {
    const [dy, dx, dw] = [this.#random(m * n), this.#random(m * k), this.#random(n * k)];
    const weight = this.#packed(n, k);
    const x = this.#random(m * k);
    const common = { shape: `${m}x${n}x${k}`, work: 2 * m * n * k, unit: "GFLOP/s" } as const;
    return [
      this.#forward(m, n, k),
      {
        name: "linearBackwardInput",
        ...common,
        record: (list) => ops.linearBackwardInput(list, { dy, weight, dx, m, n, k, addend: null }),
      },
      {
        name: "linearBackwardWeight",
        ...common,
        record: (list) => ops.linearBackwardWeight(list, { x, dy, dw, db: null, m, n, k }),
      },
    ];
  }

  #attention(
    spans: AttentionSpan[],
    numBlocks: number,
    pairs: number,
  ): { forward: Job; backward: Job } {
    const { heads, kvHeads, headDim } = this.shape;
    const cache = createKvCache(this.device, { numBlocks, kvHeads, headDim });
    const plan: AttentionPlan = createAttentionPlan(this.device, spans);
    const rows = plan.rows;
    const [q, y, dy, dq] = [0, 1, 2, 3].map(() => this.#random(rows * heads * headDim)) as Four;
    const [k, v, dk, dv] = [0, 1, 2, 3].map(() => this.#random(rows * kvHeads * headDim)) as Four;
    const stats = this.#random(rows * heads * 2);
    const common = { q, y, plan, stats, heads, scale: headDim ** -0.5 };
    const list = this.device.createCommandList();
    const slots = this.#put(
      Int32Array.from({ length: rows }, (_, i) => i % (numBlocks * KV_BLOCK)),
    );
    ops.kvWrite(list, { k, v, slots, cache, rows });
    list.run();
    const shape = `${rows} rows, ${heads}/${kvHeads}x${headDim}`;
    const work = 4 * pairs * heads * headDim;
    return {
      forward: {
        name: "attention",
        shape,
        work,
        unit: "GFLOP/s",
        record: (target) => ops.attention(target, { ...common, cache }),
      },
      backward: {
        name: "attentionBackward",
        shape,
        work: 2.5 * work,
        unit: "GFLOP/s",
        record: (target) =>
          ops.attentionBackward(target, { ...common, dy, k, v, dq, dk, dv, kvHeads, headDim }),
      },
    };
  }

  #trainingAttention(): Job[] {
    const blocks = SEQUENCE / KV_BLOCK;
    const spans = Array.from({ length: TRAINING_ROWS / SEQUENCE }, (_, i) => ({
      queryStart: i * SEQUENCE,
      queryCount: SEQUENCE,
      prefixBlocks: [],
      prefixLength: 0,
      ownBlocks: Array.from({ length: blocks }, (_block, j) => i * blocks + j),
      ownLength: 0,
    }));
    const pairs = (TRAINING_ROWS * (SEQUENCE + 1)) / 2;
    const { forward, backward } = this.#attention(spans, TRAINING_ROWS / KV_BLOCK, pairs);
    return [forward, backward];
  }

  #decodeAttention(): Job {
    const { groups, answers, prompt, own } = DECODE;
    let numBlocks = 0;
    const take = (tokens: number) =>
      Array.from({ length: Math.ceil(tokens / KV_BLOCK) }, () => numBlocks++);
    const spans: AttentionSpan[] = [];
    for (let group = 0; group < groups; group++) {
      const prefixBlocks = take(prompt);
      for (let answer = 0; answer < answers; answer++) {
        const span = { queryStart: spans.length, queryCount: 1, prefixBlocks };
        spans.push({ ...span, prefixLength: prompt, ownBlocks: take(own + 1), ownLength: own });
      }
    }
    const pairs = groups * answers * (prompt + own + 1);
    const { forward } = this.#attention(spans, numBlocks, pairs);
    return { ...forward, name: "attention, decode" };
  }

  #head(): Job[] {
    const { width, vocabularySize: vocabulary } = this.shape;
    const weight = this.#packed(vocabulary, width);
    const dw = this.#random(vocabulary * width);
    const job = (name: string, rows: number, products: number) => ({
      name,
      shape: `${rows}x${vocabulary}x${width}`,
      unit: "GFLOP/s" as const,
      work: 2 * products * rows * vocabulary * width,
    });
    const rows = TRAINING_ROWS;
    const inputs = (count: number) => ({
      x: this.#random(count * width),
      weight,
      rows: count,
      width,
      vocabulary,
      invTemperature: this.#put(new Float32Array(count).fill(1)),
      logprobs: this.#random(count),
      truncation: null,
    });
    const cut = (count: number) => ({ truncation: this.#truncation(count) });
    const training = {
      ...inputs(rows),
      targets: this.#ids(rows),
      entropies: this.#random(rows),
      stats: this.#random(2 * rows),
      dLogprob: this.#random(rows),
      dEntropy: null,
      dx: this.#random(rows * width),
      dw,
      kept: null,
    };
    const draws = this.device.alloc("u32", 64);
    const sampled = { ...inputs(32), draws, ids: this.#ids(32) };
    return [
      {
        ...job("headLogprobs", rows, 1),
        record: (list) => ops.headLogprobs(list, training),
      },
      {
        ...job("headBackward", rows, 3),
        record: (list) => ops.headBackward(list, training),
      },
      {
        ...job("headLogprobs, top-p", rows, 1),
        record: (list) => ops.headLogprobs(list, { ...training, ...cut(rows) }),
      },
      {
        ...job("headSample", 32, 1),
        record: (list) => ops.headSample(list, sampled),
      },
      {
        ...job("headSample, top-p", 32, 1),
        record: (list) => ops.headSample(list, { ...sampled, ...cut(32) }),
      },
    ];
  }

  /** Top-p of 0.95 in every row. */
  #truncation(rows: number) {
    const limits = Float32Array.from({ length: 3 * rows }, (_, i) => (i % 3 === 1 ? 0.95 : 0));
    const cuts = this.#random(2 * rows);
    return { limits: this.#put(limits), banned: null, bannedPerRow: 0, cuts };
  }

  #elementwise(): Job[] {
    const { width, intermediateSize: intermediate, vocabularySize: vocabulary } = this.shape;
    const [x, wide, rows] = [this.#x, this.#wide, TRAINING_ROWS];
    const [dx, w, dw] = [this.#random(rows * width), this.#random(width), this.#random(width)];
    const [rstd, ids, table] = [
      this.#random(rows),
      this.#ids(rows),
      this.#random(vocabulary * width),
    ];
    const length = rows * intermediate;
    const [up, y, dUp] = [0, 1, 2].map(() => this.#random(length)) as Three;
    const job = (name: string, columns: number, tensors: number) => ({
      name,
      shape: `${rows}x${columns}`,
      unit: "GB/s" as const,
      work: 4 * tensors * rows * columns,
    });
    return [
      {
        ...job("rmsNorm", width, 2),
        record: (list) => ops.rmsNorm(list, { x, w, eps: 1e-6, y: dx, rstd, rows, width }),
      },
      {
        ...job("rmsNormBackward", width, 3),
        record: (list) =>
          ops.rmsNormBackward(list, {
            x,
            w,
            rstd,
            dy: wide,
            dx,
            dw,
            rows,
            width,
            accumulateDx: false,
          }),
      },
      {
        ...job("swiglu", intermediate, 3),
        record: (list) => ops.swiglu(list, { gate: wide, up, y, length }),
      },
      {
        ...job("swigluBackward", intermediate, 5),
        record: (list) =>
          ops.swigluBackward(list, { gate: wide, up, dy: y, dGate: dUp, dUp: y, length }),
      },
      {
        ...job("embedding", width, 2),
        record: (list) => ops.embedding(list, { ids, table, y: dx, rows, width, vocabulary }),
      },
      {
        ...job("embeddingBackward", width, 3),
        record: (list) =>
          ops.embeddingBackward(list, { ids, dy: dx, dTable: table, rows, width, vocabulary }),
      },
    ];
  }
}

type Three = [Tensor, Tensor, Tensor];
type Four = [Tensor, Tensor, Tensor, Tensor];
