import { describe, expect, test } from "vitest";

import { type AttentionSpan, createAttentionPlan } from "../attention-plan.js";
import {
  AttentionCase,
  attentionOracle,
  type AttentionShape,
  type Piece,
} from "../conformance/attention-case.js";
import { everywhere, expectClose, expectSameBits, onDevice, type Rig } from "../conformance/rig.js";
import { OutOfRangeIdError, ShapeError } from "../errors.js";
import { createKvCache, type KvCache } from "../kv-cache.js";
import { attention, attentionBackward, kvWrite } from "./attention.js";

const SHAPES: (AttentionShape & { name: string })[] = [
  { name: "one token", heads: 1, kvHeads: 1, headDim: 8, packs: [[1]] },
  { name: "grouped heads", heads: 6, kvHeads: 2, headDim: 32, packs: [[37, 5, 16, 1, 33]] },
  { name: "wide heads", heads: 4, kvHeads: 4, headDim: 64, packs: [[16, 17], [70], [1, 2, 3]] },
  {
    name: "an odd width",
    heads: 3,
    kvHeads: 1,
    headDim: 20,
    packs: [
      [19, 50, 7],
      [65, 1],
    ],
  },
  { name: "outliers", heads: 2, kvHeads: 1, headDim: 24, packs: [[30, 20]], outliers: true },
];

function fill(rig: Rig, c: AttentionCase): KvCache {
  const { kvHeads, headDim } = c.shape;
  const cache = createKvCache(rig.device, { numBlocks: c.numBlocks, kvHeads, headDim });
  const args = { k: rig.put(c.k), v: rig.put(c.v), slots: rig.put(c.slots()), cache };
  rig.run((list) => kvWrite(list, { ...args, rows: c.rows }));
  return cache;
}

/** Attends with the given spans, whose queries are the rows `order` of the case. */
function attend(rig: Rig, c: AttentionCase, spans: AttentionSpan[], order: number[]): Float32Array {
  const width = c.shape.heads * c.shape.headDim;
  const q = new Float32Array(order.length * width);
  for (const [i, row] of order.entries())
    q.set(c.q.subarray(row * width, (row + 1) * width), i * width);
  const y = rig.out(q.length, NaN);
  const stats = rig.out(order.length * c.shape.heads * 2);
  const plan = createAttentionPlan(rig.device, spans);
  const common = { cache: fill(rig, c), plan, stats, heads: c.shape.heads, scale: c.scale };
  rig.run((list) => attention(list, { q: rig.put(q), y, ...common }));
  return rig.get(y);
}

const allRows = (c: AttentionCase) => Array.from({ length: c.rows }, (_, i) => i);

describe.each(SHAPES)("attention: $name", (shape) => {
  const c = new AttentionCase(shape, 5);
  const packed = onDevice({}, (rig) => attend(rig, c, c.packedSpans(), allRows(c)));

  test("packed rows give the oracle's results, in the same bits everywhere", () => {
    const [y] = everywhere((rig) => [attend(rig, c, c.packedSpans(), allRows(c))]) as [
      Float32Array,
    ];
    expectClose(y, attentionOracle(c).y, shape.outliers ? 2e-3 : 1e-5);
    expectSameBits(y, packed);
  });

  test("decoding token by token, all sequences at once, gives the bits of the packed row", () => {
    const width = shape.heads * shape.headDim;
    onDevice({ threads: 2 }, (rig) => {
      for (let step = 0; step < Math.max(...shape.packs.flat()); step++) {
        const live = c.pieces.filter(({ length }) => length > step);
        const spans = live.map((piece, i) => ({ ...decodeSpan(piece, step), queryStart: i }));
        const rows = live.map(({ row }) => row + step);
        const y = attend(rig, c, spans, rows);
        for (const [i, row] of rows.entries()) {
          const want = packed.subarray(row * width, (row + 1) * width);
          expectSameBits(y.subarray(i * width, (i + 1) * width), want, `step ${step}, row ${row}`);
        }
      }
    });
  });

  test("a prompt prefilled in pieces gives the bits of the packed row", () => {
    const width = shape.heads * shape.headDim;
    onDevice({ threads: 2 }, (rig) => {
      for (const piece of c.pieces) {
        for (let at = 0; at < piece.length; at += 13) {
          const queryCount = Math.min(13, piece.length - at);
          const rows = Array.from({ length: queryCount }, (_, i) => piece.row + at + i);
          const y = attend(rig, c, [{ ...decodeSpan(piece, at), queryCount }], rows);
          const start = (piece.row + at) * width;
          expectSameBits(y, packed.subarray(start, start + y.length), `rows from ${rows[0]}`);
        }
      }
    });
  });

  test("gradients are the oracle's, in the same bits everywhere", () => {
    const wide = c.rows * shape.heads * shape.headDim;
    const narrow = c.rows * shape.kvHeads * shape.headDim;
    const [dq, dk, dv] = everywhere((rig) => {
      const plan = createAttentionPlan(rig.device, c.packedSpans());
      const [q, dy, k, v] = [rig.put(c.q), rig.put(c.dy), rig.put(c.k), rig.put(c.v)];
      const [y, stats] = [rig.out(wide), rig.out(c.rows * shape.heads * 2)];
      const [dq, dk, dv] = [rig.out(wide), rig.out(narrow), rig.out(narrow)];
      const cache = fill(rig, c);
      const { heads, kvHeads, headDim } = shape;
      const common = { q, y, plan, stats, heads, scale: c.scale };
      rig.run((list) => {
        attention(list, { ...common, cache });
        attentionBackward(list, { ...common, dy, k, v, dq, dk, dv, kvHeads, headDim });
      });
      return [rig.get(dq), rig.get(dk), rig.get(dv)];
    }) as [Float32Array, Float32Array, Float32Array];
    const want = attentionOracle(c);
    const tolerance = shape.outliers ? 2e-3 : 2e-4;
    expectClose(dq, want.dq, tolerance);
    expectClose(dk, want.dk, tolerance);
    expectClose(dv, want.dv, tolerance);
  });
});

function decodeSpan(piece: Piece, step: number): AttentionSpan {
  return {
    queryStart: 0,
    queryCount: 1,
    prefixBlocks: piece.prompt?.blocks ?? [],
    prefixLength: piece.prompt?.length ?? 0,
    ownBlocks: piece.blocks,
    ownLength: step,
  };
}

describe("a query's result", () => {
  const c = new AttentionCase({ heads: 4, kvHeads: 2, headDim: 16, packs: [[21, 40]] }, 6);
  const [prompt, answer] = c.pieces as [Piece, Piece];

  test("does not depend on the end of the prefix, nor on the location of the keys", () => {
    onDevice({ threads: 1 }, (rig) => {
      const packed = attend(rig, c, c.packedSpans(), allRows(c));
      // The same tokens as one sequence without a prefix, in other blocks.
      const single = new AttentionCase({ ...c.shape, packs: [[61]] }, 6);
      single.q.set(c.q);
      single.k.set(c.k);
      single.v.set(c.v);
      expectSameBits(attend(rig, single, single.packedSpans(), allRows(single)), packed);
    });
  });

  test("does not depend on the content of a block's unused positions", () => {
    onDevice({ threads: 1 }, (rig) => {
      const { heads, kvHeads, headDim } = c.shape;
      const rows = 21;
      const run = (garbage: number) => {
        const cache = createKvCache(rig.device, { numBlocks: c.numBlocks, kvHeads, headDim });
        const everything = new Float32Array(cache.k.length).fill(garbage);
        rig.device.write(cache.k, everything);
        rig.device.write(cache.v, everything);
        const slots = rig.put(c.slots());
        const plan = createAttentionPlan(rig.device, c.packedSpans().slice(0, 1));
        const [y, stats] = [rig.out(rows * heads * headDim), rig.out(rows * heads * 2)];
        rig.run((list) => {
          kvWrite(list, { k: rig.put(c.k), v: rig.put(c.v), slots, cache, rows });
          attention(list, { q: rig.put(c.q), y, cache, plan, stats, heads, scale: c.scale });
        });
        return rig.get(y);
      };
      expectSameBits(run(NaN), run(0));
    });
  });

  test("changes by a bit for a single token when the device's decode attention is broken", () => {
    const last = [decodeSpan(answer, 39)];
    const good = onDevice({ threads: 1 }, (rig) => attend(rig, c, last, [60]));
    const fault = { threads: 1, fault: "decode-attention" } as const;
    const bad = onDevice(fault, (rig) => attend(rig, c, last, [60]));
    expect(bad).not.toEqual(good);
    expect(Math.abs((bad[0] as number) - (good[0] as number))).toBeLessThan(1e-6);
    const whole = onDevice(fault, (rig) => attend(rig, c, c.packedSpans(), allRows(c)));
    expectSameBits(
      whole,
      onDevice({}, (rig) => attend(rig, c, c.packedSpans(), allRows(c))),
    );
  });

  test("is refused when the plan does not fit the cache, the rows or itself", () => {
    onDevice({ threads: 1 }, (rig) => {
      const short = { ...decodeSpan(prompt, 20), ownBlocks: [0] };
      expect(() => createAttentionPlan(rig.device, [short])).toThrow("too few own blocks");
      const cut = { ...decodeSpan(answer, 0), prefixBlocks: [1] };
      expect(() => createAttentionPlan(rig.device, [cut])).toThrow("too few prefix blocks");
      const far = { ...decodeSpan(prompt, 0), ownBlocks: [99] };
      expect(() => attend(rig, c, [far], [0])).toThrow(ShapeError);
      const late = { ...decodeSpan(prompt, 0), queryStart: 3 };
      expect(() => attend(rig, c, [late], [0])).toThrow(/attention: q has 64 elements/);
    });
  });

  test("needs one prefix length for all spans of a prefix", () => {
    onDevice({ threads: 1 }, (rig) => {
      const prefixBlocks = [0, 1];
      const span = { ...decodeSpan(answer, 0), prefixBlocks, prefixLength: 20 };
      const other = { ...span, queryStart: 1, prefixLength: 19 };
      expect(() => createAttentionPlan(rig.device, [span, other])).toThrow(
        "span 1 has a prefix of 19 positions, another of its prefix has 20",
      );
      createAttentionPlan(rig.device, [span, { ...other, prefixLength: 20 }]);
    });
  });

  test("cannot be differentiated if a prefix is not among the rows", () => {
    onDevice({ threads: 1 }, (rig) => {
      const plan = createAttentionPlan(rig.device, [decodeSpan(answer, 0)]);
      const t = rig.out(64);
      const tensors = { q: t, y: t, dy: t, stats: t, k: t, v: t, dq: t, dk: t, dv: t };
      const sizes = { heads: 4, kvHeads: 2, headDim: 16, scale: 1 };
      expect(() =>
        rig.run((list) => attentionBackward(list, { ...tensors, plan, ...sizes })),
      ).toThrow(ShapeError);
    });
  });

  test("needs slots inside the cache", () => {
    onDevice({ threads: 1 }, (rig) => {
      const cache = createKvCache(rig.device, { numBlocks: 1, kvHeads: 2, headDim: 16 });
      const rows = { k: rig.put(c.k), v: rig.put(c.v), cache, rows: 2 };
      for (const slot of [16, -1]) {
        const slots = rig.put(Int32Array.of(0, slot));
        expect(() => rig.run((list) => kvWrite(list, { ...rows, slots }))).toThrow(
          OutOfRangeIdError,
        );
      }
    });
  });
});
