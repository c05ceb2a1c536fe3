import { expect, test } from "vitest";

import { backoffMs } from "./backoff.js";

const DELAYS = { firstDelayMs: 100, maxDelayMs: 350 };

test("the delay doubles up to its limit", () => {
  const waits = [1, 2, 3, 4, 2000].map((failures) => backoffMs(DELAYS, failures, () => 1));
  expect(waits).toEqual([100, 200, 350, 350, 350]);
});

test("jitter shortens the delay by up to half, so that callers do not retry together", () => {
  expect(backoffMs(DELAYS, 2, () => 0)).toBe(100);
  const waits = Array.from({ length: 50 }, () => backoffMs(DELAYS, 2));
  expect(new Set(waits).size).toBeGreaterThan(40);
  for (const wait of waits) expect(Math.abs(wait - 150)).toBeLessThanOrEqual(50);
});
