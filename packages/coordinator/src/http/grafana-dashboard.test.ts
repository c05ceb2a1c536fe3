import { readFileSync } from "node:fs";

import { describeMetric } from "@gumshoe/api";
import { expect, test } from "vitest";

import { Metrics } from "./metrics.js";

const FILE = new URL("../../../../deploy/grafana-dashboard.json", import.meta.url);

test("deploy/grafana-dashboard.json names only metrics, labels and figures that exist", async () => {
  const state = { status: "running" as const, iterationsDone: 1, digests: [], validations: [] };
  const run = { name: "r", iterationsTotal: 2 };
  const iterationMetrics = [{ numGroups: 4, numZeroVariance: 1, numRollouts: 8, numTruncated: 2 }];
  const queue = { name: "rollout", role: "inference", waiting: 0, active: 0, oldestMs: 0 };
  const validations = [{ iteration: 0, reward: 1, low: 0, high: 1, count: 1, randomGuess: 0 }];
  const metrics = new Metrics({
    workers: () => [],
    runs: () => [{ ...run, state: { ...state, iterationMetrics, validations } }],
    queues: () => Promise.resolve([{ ...queue, workersWanted: 0 }]),
  });
  const text = await metrics.text();
  const names = [...text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name = "", type]) =>
    type === "histogram" ? [`${name}_bucket`] : [name],
  );
  const dashboard = readFileSync(FILE, "utf8");
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(expressions.length).toBeGreaterThan(20);
  const named = expressions.flatMap((expr) => expr.match(/\b(gumshoe|process|nodejs)_\w+/g) ?? []);
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
  const figures = [...dashboard.matchAll(/figure=\\"([^"\\]*)\\"/g)].map(
    ([, figure = ""]) => figure,
  );
  expect(figures.filter((figure) => describeMetric(figure).section === "other")).toEqual([]);
  const share = 'gumshoe_run_iteration{run="r",figure="zeroVarianceShare"} 0.25';
  expect(text).toContain(share);
});
