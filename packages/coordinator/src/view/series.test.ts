import { expect, test } from "vitest";

import { newRunState } from "../run/run-state.js";
import type { RunRecord } from "../run/run-record.js";
import type { RunHistory } from "./run-history.js";
import { seriesOf } from "./series.js";

const history = { ends: [], validations: [] } as unknown as RunHistory;

async function columnsOf(iterations: readonly Record<string, number>[], points: number) {
  const state = { ...newRunState(), iterationsDone: iterations.length };
  state.iterationMetrics.push(...iterations);
  const record = { config: { name: "r" }, state } as unknown as RunRecord;
  const { columns, every } = await seriesOf(record, history, { points });
  const shown = columns.map(({ name, values, min, max }) => [name, { values, min, max }] as const);
  return { every, of: Object.fromEntries(shown) };
}

test("a short series has every value as it was recorded", async () => {
  const { every, of } = await columnsOf([{ loss: 0.1 + 0.2 }, { loss: -1e-9, entropy: 2 }], 10);
  expect(every).toBe(1);
  expect(of["loss"]).toEqual({ values: [0.1 + 0.2, -1e-9], min: undefined, max: undefined });
  expect(of["entropy"]?.values).toEqual([null, 2]);
});

test("a long series has mean, minimum and maximum of each bucket, to six digits", async () => {
  const iterations = [1 / 3, 2 / 3, 0, 0, 1e20, -2e-7].map((loss) => ({ loss }));
  const { every, of } = await columnsOf([...iterations, { loss: 123_456_789 }], 4);
  expect(every).toBe(2);
  expect(of["loss"]).toEqual({
    values: [0.5, 0, 5e19, 123_457_000],
    min: [0.333333, 0, -2e-7, 123_457_000],
    max: [0.666667, 0, 1e20, 123_457_000],
  });
});

test("shares and speeds follow from the metrics", async () => {
  const iteration = { numGroups: 4, numZeroVariance: 1, sampledTokens: 10, samplingSeconds: 0 };
  const { of } = await columnsOf([iteration], 10);
  expect(of["zeroVarianceShare"]?.values).toEqual([0.25]);
  expect(of["sampledTokensPerSecond"]).toBeUndefined();
});
