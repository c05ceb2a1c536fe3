import { expect, test } from "vitest";

import { Rng } from "./rng.js";
import { shownValue } from "./shown-value.js";

const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000)) as unknown;

test.each([
  ["a text", '"a text"'],
  [undefined, "undefined"],
  [null, "null"],
  [{ toString: "no function" }, '{"toString":"no function"}'],
  ["x".repeat(200), `"${"x".repeat(79)}...`],
  [deep, `${"[".repeat(80)}...`],
  [1n, "1"],
  [[1, undefined, { a: undefined, b: [] }, "\n"], '[1,null,{"b":[]},"\\n"]'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
])("a foreign value is shown whatever it is: %#", (value, shown) => {
  expect(shownValue(value)).toBe(shown);
});

test("values of JSON are shown as JSON.stringify writes them, or their beginning", () => {
  const rng = new Rng(3, 1);
  const make = (depth: number): unknown => {
    const leaves = ["a\u2028\ud800", 'b"', -0, 1e21, true, null, "x".repeat(rng.between(0, 30))];
    if (depth === 0 || rng.between(0, 3) === 0) return rng.pick(leaves);
    const items = Array.from({ length: rng.between(0, 4) }, () => make(depth - 1));
    return rng.between(0, 1) === 0
      ? items
      : Object.fromEntries(items.map((one, i) => [`k${i}`, one]));
  };
  for (let i = 0; i < 500; i++) {
    const value = make(4);
    const json = JSON.stringify(value);
    expect(shownValue(value)).toBe(json.length > 80 ? `${json.slice(0, 80)}...` : json);
  }
});

test("no more of a value is looked at than is shown", () => {
  const wide = { text: "x".repeat(5_000_000), list: Array.from({ length: 1_000_000 }, () => deep) };
  const begun = performance.now();
  for (let i = 0; i < 1000; i++) shownValue([deep, wide]);
  for (let i = 0; i < 1000; i++) shownValue(wide);
  // Some 20 ms; seconds where a whole text is written to be cut.
  expect(performance.now() - begun).toBeLessThan(1000);
});
