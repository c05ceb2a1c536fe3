import { expect, test } from "vitest";

import { drawCurve } from "./curve.js";

test("a curve goes from the smallest value to the largest", () => {
  expect(drawCurve([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe("▁▂▃▄▅▆▇█");
  expect(drawCurve([3, 1], 20)).toBe("█▁");
});

test("more values than fit are averaged", () => {
  expect(drawCurve([0, 0, 1, 1], 2)).toBe("▁█");
  expect(
    drawCurve(
      Array.from({ length: 1000 }, (_, i) => i),
      8,
    ),
  ).toHaveLength(8);
});

test("equal values are a flat line, and no values nothing", () => {
  expect(drawCurve([0.5, 0.5], 9)).toBe("▁▁");
  expect(drawCurve([], 9)).toBe("");
});
