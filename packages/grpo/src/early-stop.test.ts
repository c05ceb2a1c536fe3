import { expect, test } from "vitest";
import { EarlyStop, earlyStopStep } from "./early-stop.js";

function stopsAt(logprob: number, limit = 10_000): number | null {
  const watch = new EarlyStop();
  for (let token = 1; token <= limit; token++) if (watch.push(logprob)) return token;
  return null;
}

test("a constant log-prob of -4 stops an answer after 173 tokens, one of -3 never does", () => {
  expect(stopsAt(-4)).toBe(173);
  expect(stopsAt(-20)).toBe(21);
  expect(stopsAt(-3)).toBeNull();
});

test("a log-prob of NaN stops the answer", () => {
  expect(stopsAt(NaN)).toBe(1);
});

test("high log-probs compensate for low ones", () => {
  const watch = new EarlyStop();
  for (let i = 0; i < 150; i++) expect(watch.push(-4)).toBe(false);
  for (let i = 0; i < 150; i++) expect(watch.push(-0.1)).toBe(false);
  expect(watch.mean).toBeGreaterThan(-1);
});

test("earlyStopStep agrees with EarlyStop", () => {
  const config = { alpha: 0.5, threshold: -1 };
  expect(earlyStopStep(0, -2, config)).toEqual({ mean: -1, stop: false });
  expect(earlyStopStep(-1, -2, config)).toEqual({ mean: -1.5, stop: true });
});
