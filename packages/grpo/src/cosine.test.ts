import { expect, test } from "vitest";

import { cosine } from "./cosine.js";

test("a cosine schedule has the same bits as with Math.cos in this engine", () => {
  for (const total of [1, 2, 3, 7, 64, 100, 999, 5000]) {
    for (let update = 0; update <= total; update++) {
      const x = Math.PI * (update / total);
      // Near pi / 2 the results differ by 4e-27, which vanishes in 1 + cos(x).
      expect(1 + cosine(x)).toBe(1 + Math.cos(x));
    }
  }
});

test("cosine is within one unit in the last place of known values", () => {
  // Correctly rounded, computed with 60 digits.
  const known: [number, number][] = [
    [0, 1],
    [0.1, 0.9950041652780258],
    [0.5, 0.8775825618903728],
    [1, 0.5403023058681398],
    [2, -0.4161468365471424],
    [3, -0.9899924966004454],
    [Math.PI, -1],
  ];
  for (const [x, value] of known) expect(Math.abs(cosine(x) - value)).toBeLessThan(1.2e-16);
});
