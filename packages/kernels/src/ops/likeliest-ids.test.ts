import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { likeliestIds } from "./head.js";

const EXCLUDED = -1e30;

/** Lays rows [rows][V] out as `headLogprobs` keeps them; what lies behind the vocabulary is greater than all. */
function keep(rows: readonly (readonly number[])[]): Float32Array {
  const vocabulary = rows[0]?.length ?? 0;
  const blocks = Math.ceil(vocabulary / 512);
  const kept = new Float32Array(blocks * rows.length * 512).fill(1e9);
  for (const [row, values] of rows.entries()) {
    for (const [id, value] of values.entries()) {
      kept[(Math.floor(id / 512) * rows.length + row) * 512 + (id % 512)] = value;
    }
  }
  return kept;
}

test.each([1, 5, 512, 513, 1300])("the likeliest of %i ids are those of a sorted row", (size) => {
  const rng = new Rng(3, size);
  // Few values, so that many are equal; some are excluded.
  const rows = Array.from({ length: 3 }, () =>
    Array.from({ length: size }, () => {
      const value = rng.uint32() % 40;
      return value === 0 ? EXCLUDED : value / 4 - 5;
    }),
  );
  const logits = keep(rows);
  for (const [row, values] of rows.entries()) {
    const sorted = [...values.keys()]
      .filter((id) => values[id] !== EXCLUDED)
      .sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
    for (const count of [0, 1, 7, 20, size]) {
      const shape = { row, rows: rows.length, vocabulary: size };
      expect(likeliestIds(logits, shape, count)).toEqual(sorted.slice(0, count));
    }
  }
});

test("both zeros are equal, and what is not a number is left out", () => {
  const logits = keep([[NaN, -0, 0, -1]]);
  expect(likeliestIds(logits, { row: 0, rows: 1, vocabulary: 4 }, 9)).toEqual([1, 2, 3]);
});
