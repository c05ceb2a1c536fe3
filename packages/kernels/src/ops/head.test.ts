import { Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import {
  everywhere,
  expectClose,
  expectSameBits,
  integers,
  normals,
  onDevice,
  type Rig,
} from "../conformance/rig.js";
import type { Tensor } from "../device.js";
import { OutOfRangeIdError } from "../errors.js";
import { headBackward, headLogits, headLogprobs, headSample, keptLogitsLength } from "./head.js";
import { packedLength, packMatrix } from "./linear.js";

// Vocabulary sizes around the block of 512 entries and the panel of 32.
const SHAPES = [
  { rows: 1, width: 8, vocabulary: 3 },
  { rows: 5, width: 24, vocabulary: 512 },
  { rows: 50, width: 33, vocabulary: 513 },
  { rows: 3, width: 40, vocabulary: 1531 },
];
const named = SHAPES.map((s) => ({ ...s, name: `${s.rows}x${s.width}x${s.vocabulary}` }));

class HeadCase {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly targets: Int32Array;
  readonly invTemperature: Float32Array;
  readonly dLogprob: Float32Array;
  readonly dEntropy: Float32Array;
  readonly draws: Uint32Array;

  constructor(readonly shape: { rows: number; width: number; vocabulary: number }) {
    const { rows, width, vocabulary } = shape;
    const rng = new Rng(2, rows, width, vocabulary);
    this.x = normals(rng, rows * width);
    this.w = normals(rng, vocabulary * width).map((value) => value * 0.5);
    this.targets = integers(rng, rows, vocabulary);
    this.invTemperature = Float32Array.from({ length: rows }, (_, i) => [1, 1 / 0.7, 0.25][i % 3]!);
    this.dLogprob = normals(rng, rows);
    this.dEntropy = normals(rng, rows);
    this.draws = Uint32Array.from(integers(rng, rows * 2, 2 ** 31), (word) => word * 2 + 1);
  }

  weight(rig: Rig) {
    const { width: k, vocabulary: n } = this.shape;
    const packed = rig.out(packedLength(n, k), NaN);
    rig.run((list) => packMatrix(list, { w: rig.put(this.w), packed, n, k }));
    return packed;
  }

  /** Log-probabilities of the whole vocabulary in float64, [rows, V]. */
  oracle(): Float64Array {
    const { rows, width, vocabulary } = this.shape;
    const all = new Float64Array(rows * vocabulary);
    for (let i = 0; i < rows; i++) {
      const z = Float64Array.from({ length: vocabulary }, (_, j) => {
        let total = 0;
        for (let d = 0; d < width; d++) total += this.x[i * width + d]! * this.w[j * width + d]!;
        return total * (this.invTemperature[i]! || 1);
      });
      const peak = z.reduce((a, b) => Math.max(a, b));
      const lse = peak + Math.log(z.reduce((sum, value) => sum + Math.exp(value - peak), 0));
      all.set(
        z.map((value) => value - lse),
        i * vocabulary,
      );
    }
    return all;
  }
}

/** Log-probabilities and entropies on a device. */
function score(rig: Rig, c: HeadCase, targets = c.targets, x = c.x) {
  const rows = targets.length;
  const [logprobs, entropies, stats] = [rig.out(rows), rig.out(rows), rig.out(2 * rows)];
  const weight = c.weight(rig);
  const common = { ...c.shape, x: rig.put(x), weight, stats, rows, truncation: null };
  const invTemperature = rig.put(c.invTemperature);
  const outputs = { logprobs, entropies, kept: null };
  const what = { ...common, invTemperature, targets: rig.put(targets), ...outputs };
  rig.run((list) => headLogprobs(list, what));
  return what;
}

describe.each(named)("the head of shape $name, seed 2", ({ rows, width, vocabulary }) => {
  const c = new HeadCase({ rows, width, vocabulary });
  const truth = c.oracle();

  test("log-probabilities and entropies are the oracle's, in the same bits everywhere", () => {
    const [logprobs, entropies] = everywhere((rig) => {
      const what = score(rig, c);
      return [rig.get(what.logprobs), rig.get(what.entropies), rig.get(what.stats)];
    }) as [Float32Array, Float32Array];
    const unit = (n: number) => new Float64Array(n).fill(1);
    const want = Float64Array.from(c.targets, (id, i) => truth[i * vocabulary + id]!);
    expectClose(logprobs, want, 2e-5, unit(rows));
    const wantEntropies = Float64Array.from({ length: rows }, (_, i) =>
      truth
        .subarray(i * vocabulary, (i + 1) * vocabulary)
        .reduce((sum, lp) => sum - Math.exp(lp) * lp, 0),
    );
    expectClose(entropies, wantEntropies, 2e-5, unit(rows));
  });

  test("a single row has the bits of the row in its batch, with or without entropies", () => {
    onDevice({ threads: 2 }, (rig) => {
      const whole = score(rig, c);
      const batch = rig.get(whole.logprobs);
      rig.run((list) => headLogprobs(list, { ...whole, entropies: null }));
      expectSameBits(rig.get(whole.logprobs), batch, "without entropies");
      const one = score(rig, c, c.targets.slice(0, 1), c.x.slice(0, width));
      expectSameBits(rig.get(one.logprobs), batch.slice(0, 1), "row 0");
      expectSameBits(rig.get(one.entropies), rig.get(whole.entropies).slice(0, 1), "entropy");
    });
  });

  test("a sampled id's log-probability has the bits that scoring gives it", () => {
    everywhere((rig) => {
      const ids = rig.put(new Int32Array(rows));
      const logprobs = rig.out(rows);
      const common = { ...c.shape, x: rig.put(c.x), weight: c.weight(rig) };
      const invTemperature = rig.put(c.invTemperature);
      const draws = rig.put(c.draws);
      rig.run((list) =>
        headSample(list, { ...common, invTemperature, draws, ids, logprobs, truncation: null }),
      );
      const sampled = new Int32Array(rows);
      rig.device.read(ids, sampled);
      const again = score(rig, c, sampled);
      expectSameBits(rig.get(logprobs), rig.get(again.logprobs));
      return [rig.get(logprobs), Float32Array.from(sampled)];
    });
  });

  test("logits are the products of rows and entries", () => {
    const [logits] = everywhere((rig) => {
      const logits = rig.out(rows * vocabulary);
      const common = { ...c.shape, x: rig.put(c.x), weight: c.weight(rig) };
      rig.run((list) => headLogits(list, { ...common, logits }));
      return [rig.get(logits)];
    }) as [Float32Array];
    for (let i = 0; i < rows; i++) {
      const difference = logits[i * vocabulary]! - logits[(i + 1) * vocabulary - 1]!;
      const want = truth[i * vocabulary]! - truth[(i + 1) * vocabulary - 1]!;
      expect(difference * c.invTemperature[i]!).toBeCloseTo(want, 4);
    }
  });

  test("gradients are the oracle's; those of the weights accumulate", () => {
    const start = normals(new Rng(3), vocabulary * width);
    const [dx, dw, lone] = everywhere((rig) => {
      const what = score(rig, c);
      const [dx, dw] = [rig.out(rows * width), rig.put(start)];
      const gradients = { dLogprob: rig.put(c.dLogprob), dEntropy: rig.put(c.dEntropy), dx, dw };
      const lone = rig.out(rows * width);
      rig.run((list) => {
        headBackward(list, { ...what, ...gradients });
        headBackward(list, { ...what, ...gradients, dx: lone, dw: null, dEntropy: null });
      });
      return [rig.get(dx), rig.get(dw), rig.get(lone)];
    }) as [Float32Array, Float32Array, Float32Array];
    const wantX = new Float64Array(rows * width);
    const wantLone = new Float64Array(rows * width);
    const wantW = Float64Array.from(start);
    for (let i = 0; i < rows; i++) {
      const lp = truth.subarray(i * vocabulary, (i + 1) * vocabulary);
      const entropy = lp.reduce((sum, value) => sum - Math.exp(value) * value, 0);
      for (let j = 0; j < vocabulary; j++) {
        const p = Math.exp(lp[j]!);
        const hit = Number(c.targets[i] === j);
        const plain = c.invTemperature[i]! * c.dLogprob[i]! * (hit - p);
        const g = plain - c.invTemperature[i]! * c.dEntropy[i]! * p * (lp[j]! + entropy);
        for (let d = 0; d < width; d++) {
          wantX[i * width + d]! += g * c.w[j * width + d]!;
          wantLone[i * width + d]! += plain * c.w[j * width + d]!;
          wantW[j * width + d]! += g * c.x[i * width + d]!;
        }
      }
    }
    expectClose(dx, wantX, 2e-4);
    expectClose(lone, wantLone, 2e-4);
    expectClose(dw, wantW, 2e-4);
  });

  test("logits kept by the forward pass change no bit of any result", () => {
    onDevice({ threads: 2 }, (rig) => {
      const without = score(rig, c);
      const through = (what: ReturnType<typeof score>, kept: Tensor | null) => {
        const [dx, dw] = [rig.out(rows * width), rig.out(vocabulary * width, 1)];
        const gradients = { dLogprob: rig.put(c.dLogprob), dEntropy: rig.put(c.dEntropy), dx, dw };
        rig.run((list) => {
          headLogprobs(list, { ...what, kept });
          headBackward(list, { ...what, ...gradients, kept });
        });
        return [rig.get(what.logprobs), rig.get(what.stats), rig.get(dx), rig.get(dw)] as const;
      };
      const computedAgain = through(without, null);
      const kept = rig.out(keptLogitsLength(rows, vocabulary), NaN);
      through(without, kept).forEach((values, i) => {
        expectSameBits(values, computedAgain[i] as Float32Array, `output ${i}`);
      });
      // The backward pass reads the kept logits, so NaN in their place gives NaN.
      const hollow = rig.out(keptLogitsLength(rows, vocabulary), NaN);
      const dx = rig.out(rows * width);
      const gradients = { dLogprob: rig.put(c.dLogprob), dEntropy: null, dx, dw: null };
      rig.run((list) => {
        headBackward(list, { ...without, ...gradients, kept: hollow });
      });
      expect(rig.get(dx).every(Number.isNaN)).toBe(true);
    });
  });

  test("weight gradients of rows in two parts have the bits of the whole", () => {
    onDevice({ threads: 2 }, (rig) => {
      const what = score(rig, c);
      const part = (from: number, to: number, dw: ReturnType<Rig["out"]>) => ({
        ...what,
        rows: to - from,
        x: what.x.slice(from * width, to * width),
        targets: what.targets.slice(from, to),
        invTemperature: what.invTemperature.slice(from, to),
        stats: what.stats.slice(2 * from, 2 * to),
        entropies: null,
        dLogprob: rig.put(c.dLogprob.slice(from, to)),
        dEntropy: null,
        dx: rig.out((to - from) * width),
        dw,
      });
      const [whole, halves] = [rig.out(vocabulary * width, 1), rig.out(vocabulary * width, 1)];
      rig.run((list) => {
        headBackward(list, part(0, rows, whole));
        for (const [from, to] of [
          [0, rows >> 1],
          [rows >> 1, rows],
        ] as const) {
          if (to > from) headBackward(list, part(from, to, halves));
        }
      });
      expectSameBits(rig.get(halves), rig.get(whole));
    });
  });
});

describe("sampling", () => {
  const shape = { rows: 20000, width: 4, vocabulary: 700 };
  const c = new HeadCase(shape);

  test("draws ids as often as their probabilities say", () => {
    // Twenty thousand copies of one row; chi-squared over the ids with an expected count of at least 5.
    onDevice({ threads: 2 }, (rig) => {
      for (let i = 1; i < shape.rows; i++) c.x.set(c.x.subarray(0, 4), 4 * i);
      c.invTemperature.fill(1);
      const ids = rig.put(new Int32Array(shape.rows));
      const logprobs = rig.out(shape.rows);
      const common = { ...shape, x: rig.put(c.x), weight: c.weight(rig) };
      const draws = rig.put(c.draws);
      const invTemperature = rig.put(c.invTemperature);
      rig.run((list) =>
        headSample(list, { ...common, invTemperature, draws, ids, logprobs, truncation: null }),
      );
      const sampled = new Int32Array(shape.rows);
      rig.device.read(ids, sampled);
      const counts = new Float64Array(shape.vocabulary);
      for (const id of sampled) counts[id]! += 1;
      const lp = new HeadCase({ ...shape, rows: 1 });
      lp.x.set(c.x.subarray(0, 4));
      lp.w.set(c.w);
      lp.invTemperature.fill(1);
      let chi = 0;
      let cells = 0;
      for (const [id, value] of lp.oracle().entries()) {
        const expected = Math.exp(value) * shape.rows;
        if (expected < 5) continue;
        chi += (counts[id]! - expected) ** 2 / expected;
        cells++;
      }
      expect(cells).toBeGreaterThan(300);
      expect(chi).toBeLessThan(cells + 4 * Math.sqrt(2 * cells));
    });
  });

  test("takes the most likely id at temperature 0, the lowest of equals, scored at temperature 1", () => {
    everywhere((rig) => {
      const [rows, width, vocabulary] = [2, 1, 1100];
      const entries = new Float32Array(vocabulary).fill(0.5);
      for (const id of [600, 601, 1099]) entries[id] = 2;
      const packed = rig.out(packedLength(vocabulary, width), NaN);
      const w = rig.put(entries);
      rig.run((list) => packMatrix(list, { w, packed, n: vocabulary, k: width }));
      const common = {
        rows,
        width,
        vocabulary,
        weight: packed,
        truncation: null,
        x: rig.put(Float32Array.of(1, -1)),
      };
      const ids = rig.put(new Int32Array(2));
      const [greedy, atOne] = [rig.out(2), rig.out(2)];
      const draws = rig.put(new Uint32Array(4).fill(0xffffffff));
      const zero = rig.put(new Float32Array(2));
      const one = rig.put(Float32Array.of(1, 1));
      const scored = { ...common, targets: ids, logprobs: atOne, entropies: null, kept: null };
      rig.run((list) => {
        headSample(list, { ...common, invTemperature: zero, draws, ids, logprobs: greedy });
        headLogprobs(list, { ...scored, invTemperature: one, stats: rig.out(4) });
      });
      const chosen = new Int32Array(2);
      rig.device.read(ids, chosen);
      expect([...chosen]).toEqual([600, 0]);
      expectSameBits(rig.get(greedy), rig.get(atOne));
      return [rig.get(greedy)];
    });
  });

  test("takes the first id at the least draw and the last possible one at the greatest", () => {
    onDevice({ threads: 1 }, (rig) => {
      const small = new HeadCase({ rows: 2, width: 4, vocabulary: 600 });
      small.x.fill(0);
      const ids = rig.put(new Int32Array(2));
      const draws = rig.put(Uint32Array.of(0, 0, 0xffffffff, 0xffffffff));
      const invTemperature = rig.put(Float32Array.of(1, 1));
      const common = { ...small.shape, x: rig.put(small.x), weight: small.weight(rig) };
      const logprobs = rig.out(2);
      rig.run((list) =>
        headSample(list, { ...common, invTemperature, draws, ids, logprobs, truncation: null }),
      );
      const chosen = new Int32Array(2);
      rig.device.read(ids, chosen);
      expect([...chosen]).toEqual([0, 599]);
    });
  });
});

test("a target outside the vocabulary is refused", () => {
  onDevice({ threads: 1 }, (rig) => {
    const c = new HeadCase({ rows: 2, width: 4, vocabulary: 10 });
    for (const bad of [10, -1]) {
      expect(() => score(rig, c, Int32Array.of(0, bad))).toThrow(OutOfRangeIdError);
    }
  });
});
