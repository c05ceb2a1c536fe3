import { expect, test } from "vitest";

import { StopCutter } from "./stop-cutter.js";

/** Cuts a text that comes in pieces; returns the pieces that were written, and what was left at the end. */
function cut(stops: readonly string[], pieces: readonly string[]) {
  const cutter = new StopCutter(stops);
  const written = pieces.map((piece) => cutter.push(piece));
  return { written, rest: cutter.flush(), isStopped: cutter.isStopped };
}

test("a text ends before a stop string, however it is cut into pieces", () => {
  for (const size of [1, 2, 3, 5, 20]) {
    const text = "one two STOP three";
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.slice(i * size, (i + 1) * size),
    );
    const { written, rest, isStopped } = cut(["STOP"], pieces);
    expect([written.join(""), rest, isStopped]).toEqual(["one two ", "", true]);
  }
});

test("what may be the beginning of a stop string is held back until it is known", () => {
  expect(cut(["\n\nQ:"], ["a\n", "\n", "b"])).toEqual({
    written: ["a", "", "\n\nb"],
    rest: "",
    isStopped: false,
  });
  expect(cut(["\n\nQ:"], ["a\n\n"])).toMatchObject({ written: ["a"], rest: "\n\n" });
});

test("the first of several stop strings counts, and one inside another's beginning", () => {
  expect(cut(["cd", "b"], ["abcd"]).written).toEqual(["a"]);
  expect(cut(["aab"], ["aaab"])).toMatchObject({ written: ["a"], isStopped: true });
  expect(cut([], ["a", "b"])).toEqual({ written: ["a", "b"], rest: "", isStopped: false });
});
