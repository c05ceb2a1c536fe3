import { readFileSync } from "node:fs";

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
import {
  type CutTruncation,
  headBackward,
  headLogits,
  headLogprobs,
  headSample,
  keptLogitsLength,
} from "./head.js";
import { packedLength, packMatrix } from "./linear.js";

/** The limits of one row. */
interface RowLimits {
  topK?: number;
  topP?: number;
  minP?: number;
  banned?: readonly number[];
}

/** What the rows of a case are cut by, in turn. */
const LIMITS: readonly RowLimits[] = [
  { topP: 0.8 },
  { topK: 5 },
  { minP: 0.1 },
  {},
  { topK: 9, topP: 0.6 },
  { topP: 0.95, minP: 0.02, banned: [0, 2] },
  { topK: 1 },
  { banned: [1] },
  { topK: 40, topP: 0.9, minP: 0.3 },
  { topP: 1e-6 },
  { topK: 100_000, topP: 0.9999 },
  { minP: 1 },
];
const PER_ROW = 2;

class TruncatedCase {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly targets: Int32Array;
  readonly invTemperature: Float32Array;
  readonly draws: Uint32Array;
  readonly dLogprob: Float32Array;
  readonly dEntropy: Float32Array;

  constructor(
    readonly shape: { rows: number; width: number; vocabulary: number },
    readonly limits: readonly RowLimits[] = LIMITS,
  ) {
    const { rows, width, vocabulary } = shape;
    const rng = new Rng(31, rows, width, vocabulary);
    this.x = normals(rng, rows * width);
    this.w = normals(rng, vocabulary * width).map((value) => value * 0.5);
    this.targets = integers(rng, rows, vocabulary);
    this.invTemperature = Float32Array.from({ length: rows }, (_, i) => [1, 1 / 0.7, 0.5][i % 3]!);
    this.draws = Uint32Array.from(integers(rng, rows * 2, 2 ** 31), (word) => word * 2 + 1);
    this.dLogprob = normals(rng, rows);
    this.dEntropy = normals(rng, rows);
  }

  limitsOf(row: number): RowLimits {
    return this.limits[row % this.limits.length] ?? {};
  }

  truncation(rig: Rig, from = 0, to = this.shape.rows): CutTruncation {
    const rows = Array.from({ length: to - from }, (_, i) => this.limitsOf(from + i));
    const limits = rows.flatMap(({ topK = 0, topP = 1, minP = 0 }) => [topK, topP, minP]);
    const banned = rows.flatMap(({ banned = [] }) =>
      Array.from({ length: PER_ROW }, (_, i) => banned[i] ?? -1),
    );
    return {
      limits: rig.put(Float32Array.from(limits)),
      banned: rig.put(Int32Array.from(banned)),
      bannedPerRow: PER_ROW,
      cuts: rig.out(2 * rows.length),
    };
  }

  inputs(rig: Rig) {
    const { width: k, vocabulary: n } = this.shape;
    const weight = rig.out(packedLength(n, k), NaN);
    rig.run((list) => packMatrix(list, { w: rig.put(this.w), packed: weight, n, k }));
    const [x, invTemperature] = [rig.put(this.x), rig.put(this.invTemperature)];
    return { ...this.shape, x, weight, invTemperature };
  }

  /** Logits over temperature, as the device has them. */
  z(rig: Rig): Float32Array {
    const { rows, vocabulary } = this.shape;
    const logits = rig.out(rows * vocabulary);
    rig.run((list) => headLogits(list, { ...this.inputs(rig), logits }));
    return rig.get(logits).map((z, i) => z * this.invTemperature[Math.floor(i / vocabulary)]!);
  }

  /** Kept ids of each row, and their log-probabilities in float64, by sorting. */
  oracle(z: Float32Array): Map<number, number>[] {
    const { rows, vocabulary } = this.shape;
    return Array.from({ length: rows }, (_, row) => {
      const { topK = 0, topP = 1, minP = 0, banned = [] } = this.limitsOf(row);
      const own = z.subarray(row * vocabulary, (row + 1) * vocabulary);
      let ids = Array.from(own.keys()).filter((id) => !banned.includes(id));
      ids.sort((a, b) => own[b]! - own[a]! || a - b);
      const mass = (id: number) => Math.exp(own[id]! - own[ids[0]!]!);
      if (topK > 0) ids = ids.slice(0, topK);
      if (topP < 1) {
        const total = ids.reduce((sum, id) => sum + mass(id), 0);
        let before = 0;
        const count = ids.findIndex((id) => (before += mass(id)) >= Math.fround(topP) * total);
        ids = ids.slice(0, count + 1);
      }
      ids = ids.filter((id) => mass(id) >= minP);
      const total = ids.reduce((sum, id) => sum + mass(id), 0);
      return new Map(ids.map((id) => [id, Math.log(mass(id) / total)]));
    });
  }
}

function score(rig: Rig, c: TruncatedCase, options: { targets?: Int32Array; kept?: Tensor } = {}) {
  const { rows } = c.shape;
  const [logprobs, entropies, stats] = [rig.out(rows), rig.out(rows), rig.out(2 * rows)];
  const { targets = c.targets, kept = null } = options;
  const truncation = c.truncation(rig);
  const outputs = { logprobs, entropies, stats, kept, truncation };
  const what = { ...c.inputs(rig), targets: rig.put(targets), ...outputs };
  rig.run((list) => headLogprobs(list, what));
  return what;
}

function sample(rig: Rig, c: TruncatedCase) {
  const { rows } = c.shape;
  const [ids, logprobs] = [rig.put(new Int32Array(rows)), rig.out(rows)];
  const what = { ...c.inputs(rig), draws: rig.put(c.draws), ids, logprobs };
  rig.run((list) => headSample(list, { ...what, truncation: c.truncation(rig) }));
  const sampled = new Int32Array(rows);
  rig.device.read(ids, sampled);
  return { sampled, logprobs: rig.get(logprobs) };
}

function backward(rig: Rig, c: TruncatedCase, what: ReturnType<typeof score>) {
  const { rows, width, vocabulary } = c.shape;
  const [dx, dw] = [rig.out(rows * width), rig.put(new Float32Array(vocabulary * width))];
  const gradients = { dLogprob: rig.put(c.dLogprob), dEntropy: rig.put(c.dEntropy), dx, dw };
  rig.run((list) => headBackward(list, { ...what, ...gradients }));
  return [rig.get(dx), rig.get(dw)] as const;
}

const SHAPES = [
  { rows: 12, width: 24, vocabulary: 31 },
  { rows: 25, width: 16, vocabulary: 1531 },
];
const named = SHAPES.map((s) => ({ ...s, name: `${s.rows}x${s.width}x${s.vocabulary}` }));

describe.each(named)("a truncated head of shape $name, seed 31", ({ rows, width, vocabulary }) => {
  const c = new TruncatedCase({ rows, width, vocabulary });
  const truth = onDevice({ threads: 1 }, (rig) => c.oracle(c.z(rig)));
  /** In each row the least likely of the kept ids. */
  const last = Int32Array.from(truth, (kept) => [...kept.keys()].at(-1)!);

  test("keeps the oracle's entries and renormalises, in the same bits everywhere", () => {
    const [logprobs, entropies, least] = everywhere((rig) => {
      const what = score(rig, c);
      const atLast = score(rig, c, { targets: last });
      const outputs = [what.logprobs, what.entropies, atLast.logprobs, what.truncation.cuts];
      return outputs.map((tensor) => rig.get(tensor));
    }) as [Float32Array, Float32Array, Float32Array];
    const unit = new Float64Array(rows).fill(1);
    expectClose(
      least,
      Float64Array.from(last, (id, row) => truth[row]!.get(id)!),
      3e-5,
      unit,
    );
    const want = Float64Array.from(c.targets, (id, row) => truth[row]!.get(id) ?? -Infinity);
    expect([...logprobs].map(Number.isFinite)).toEqual([...want].map(Number.isFinite));
    expect([...want].filter(Number.isFinite).length).toBeGreaterThan(2);
    const finite = (values: ArrayLike<number>) =>
      Array.from(values, (value) => (value === -Infinity ? 0 : value));
    expectClose(Float32Array.from(finite(logprobs)), Float64Array.from(finite(want)), 3e-5, unit);
    const wantEntropies = truth.map((kept) =>
      [...kept.values()].reduce((sum, lp) => sum - Math.exp(lp) * lp, 0),
    );
    expectClose(entropies, Float64Array.from(wantEntropies), 3e-5, unit);
  });

  test("the entry after the last kept one is excluded", () => {
    const z = onDevice({ threads: 1 }, (rig) => c.z(rig));
    const next = truth.map((kept, row) => {
      const banned = c.limitsOf(row).banned ?? [];
      const own = z.subarray(row * vocabulary, (row + 1) * vocabulary);
      const rest = [...own.keys()].filter((id) => !kept.has(id) && !banned.includes(id));
      return rest.sort((a, b) => own[b]! - own[a]! || a - b)[0] ?? last[row]!;
    });
    onDevice({ threads: 2 }, (rig) => {
      const { logprobs } = score(rig, c, { targets: Int32Array.from(next) });
      rig.get(logprobs).forEach((value, row) => {
        expect(Number.isFinite(value), `row ${row}`).toBe(truth[row]!.has(next[row]!));
      });
    });
  });

  test("samples kept entries only, with the log-probabilities that scoring gives them", () => {
    everywhere((rig) => {
      const { sampled, logprobs } = sample(rig, c);
      sampled.forEach((id, row) => expect(truth[row]!.has(id), `row ${row}`).toBe(true));
      expectSameBits(logprobs, rig.get(score(rig, c, { targets: sampled }).logprobs));
      return [logprobs, Float32Array.from(sampled)];
    });
  });

  test("gradients are the oracle's, and 0 for excluded entries", () => {
    const [dx, dw] = everywhere((rig) => [
      ...backward(rig, c, score(rig, c, { targets: last })),
    ]) as [Float32Array, Float32Array];
    const wantX = new Float64Array(rows * width);
    const wantW = new Float64Array(vocabulary * width);
    truth.forEach((kept, row) => {
      const entropy = [...kept.values()].reduce((sum, lp) => sum - Math.exp(lp) * lp, 0);
      for (const [id, lp] of kept) {
        const p = Math.exp(lp);
        const up = c.dLogprob[row]! * (Number(id === last[row]) - p);
        const g = c.invTemperature[row]! * (up - c.dEntropy[row]! * p * (lp + entropy));
        for (let d = 0; d < width; d++) {
          wantX[row * width + d]! += g * c.w[id * width + d]!;
          wantW[id * width + d]! += g * c.x[row * width + d]!;
        }
      }
    });
    expectClose(dx, wantX, 3e-4);
    expectClose(dw, wantW, 3e-4);
  });

  test("kept logits, and the other rows of a batch, change no bit", () => {
    onDevice({ threads: 2 }, (rig) => {
      const targets = last;
      const plain = score(rig, c, { targets });
      const without = [rig.get(plain.logprobs), ...backward(rig, c, plain)];
      const kept = rig.out(keptLogitsLength(rows, vocabulary), NaN);
      const with_ = score(rig, c, { targets, kept });
      [rig.get(with_.logprobs), ...backward(rig, c, with_)].forEach((values, i) => {
        expectSameBits(values, without[i] as Float32Array, `output ${i}`);
      });
      const untouched = score(rig, new TruncatedCase(c.shape, [{}]), { targets });
      rig.run((list) => headLogprobs(list, { ...untouched, truncation: null }));
      for (const row of [3, 0, 5]) {
        const only = new TruncatedCase({ ...c.shape, rows: 1 }, [c.limitsOf(row)]);
        only.x.set(c.x.subarray(row * width, (row + 1) * width));
        only.w.set(c.w);
        only.invTemperature.set(c.invTemperature.subarray(row, row + 1));
        const lone = score(rig, only, { targets: targets.slice(row, row + 1) });
        expectSameBits(rig.get(lone.logprobs), without[0]!.slice(row, row + 1), `row ${row}`);
      }
      // Row 3 has no limits: it has the bits of the head without truncation.
      expectSameBits(rig.get(untouched.logprobs).slice(3, 4), without[0]!.slice(3, 4));
    });
  });
});

/** One row of which entry i has the logit `entries[i]`. */
function flatCase(entries: ArrayLike<number>, limits: readonly RowLimits[]): TruncatedCase {
  const shape = { rows: limits.length, width: 1, vocabulary: entries.length };
  const c = new TruncatedCase(shape, limits);
  c.w.set(Float32Array.from(entries));
  c.x.fill(1);
  c.invTemperature.fill(1);
  return c;
}

/** Ids that are kept, by scoring every id. */
function keptIds(rig: Rig, c: TruncatedCase, row: number): number[] {
  const ids = Array.from({ length: c.shape.vocabulary }, (_, id) => id);
  return ids.filter((id) => {
    const targets = new Int32Array(c.shape.rows).fill(id);
    return Number.isFinite(rig.get(score(rig, c, { targets }).logprobs)[row]);
  });
}

describe("equal logits", () => {
  const entries = [0, 2, 1, 2, 1, 1, 2, 1];

  test("the lower ids are kept", () => {
    const c = flatCase(entries, [
      { topK: 2 },
      { topK: 4 },
      { topP: 0.3 },
      { topP: 0.78 },
      { minP: 0.3 },
    ]);
    const found = onDevice({ threads: 1 }, (rig) => c.limits.map((_, row) => keptIds(rig, c, row)));
    const [three, four] = [
      [1, 3, 6],
      [2, 4, 5, 7],
    ];
    // Masses: 3 of e^0, 4 of e^-1 = 0.368, 1 of e^-2 = 0.135; 4.607 together.
    expect(found).toEqual([
      [1, 3],
      [1, 2, 3, 6],
      [1, 3],
      [1, 2, 3, 4, 6],
      [...three, ...four].sort((a, b) => a - b),
    ]);
  });

  test("of a flat vocabulary of several blocks the first ids are kept, in the same bits everywhere", () => {
    everywhere((rig) => {
      const c = flatCase(new Float32Array(1100), [{ topP: 0.75 }, { topK: 600 }, { topK: 513 }]);
      const edge = Int32Array.of(824, 599, 512);
      const inside = rig.get(score(rig, c, { targets: edge }).logprobs);
      expect([...inside].map(Number.isFinite)).toEqual([true, true, true]);
      const outside = rig.get(score(rig, c, { targets: edge.map((id) => id + 1) }).logprobs);
      expect([...outside]).toEqual([-Infinity, -Infinity, -Infinity]);
      c.draws.fill(0xffffffff);
      const { sampled, logprobs } = sample(rig, c);
      expect([...sampled]).toEqual([...edge]);
      return [inside, logprobs];
    });
  });
});

test("both zeros are equal, and large and small logits have their place", () => {
  const c = flatCase([-0, 0, 1e20, -1e20, 5], [{ topK: 3 }, { topP: 0.5 }, { minP: 0.5 }]);
  everywhere((rig) => {
    expect([0, 1, 2].map((row) => keptIds(rig, c, row))).toEqual([[0, 2, 4], [2], [2]]);
    return [];
  });
});

test.each([NaN, Infinity, -Infinity])(
  "a logit of %s makes the row's log-probability NaN",
  (bad) => {
    everywhere((rig) => {
      const c = flatCase([0, 1, bad, 3], [{ topK: 2 }, { topP: 0.1 }]);
      expect([...rig.get(score(rig, c).logprobs)]).toEqual([NaN, NaN]);
      expect([...sample(rig, c).logprobs]).toEqual([NaN, NaN]);
      return [];
    });
  },
);

test("at temperature 0 a banned id is not taken", () => {
  everywhere((rig) => {
    const c = flatCase([0, 3, 2, 1], [{ banned: [1] }, { banned: [1, 2] }, {}]);
    c.invTemperature.fill(0);
    const { sampled, logprobs } = sample(rig, c);
    expect([...sampled]).toEqual([2, 3, 1]);
    return [logprobs];
  });
});

/** A case of test/golden/truncation/cases.json: options, logits, and the log-probs of the kept ids. */
interface GoldenCase extends RowLimits {
  readonly temperature?: number;
  readonly stopTokenIds?: readonly number[];
  readonly logits: readonly number[];
  readonly logprobs: Readonly<Record<string, number>>;
}

test("kept tokens and log-probs are those of Transformers' logits processors", () => {
  const file = new URL("../../../../test/golden/truncation/cases.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: GoldenCase[] };
  onDevice({ threads: 1 }, (rig) => {
    for (const { temperature = 1, stopTokenIds, logits, logprobs, ...limits } of cases) {
      // Every id is the target of one row.
      const banned = stopTokenIds ?? [];
      const c = flatCase(logits, Array<RowLimits>(logits.length).fill({ ...limits, banned }));
      c.invTemperature.fill(1 / temperature);
      const targets = Int32Array.from(logits, (_, id) => id);
      const got = rig.get(score(rig, c, { targets }).logprobs);
      got.forEach((value, id) => {
        const want = logprobs[id] ?? -Infinity;
        if (want === -Infinity) expect(value).toBe(-Infinity);
        else expect(value).toBeCloseTo(want, 5);
      });
    }
  });
  expect(cases.length).toBeGreaterThan(8);
});
