import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verifyAlgorithm } from "./verify-algorithm.js";

const GOLDEN = JSON.parse(
  readFileSync(new URL("../../../../test/golden/algorithm.json", import.meta.url), "utf8"),
) as Record<string, unknown>;

function changed(change: (golden: Record<string, unknown>) => void): unknown {
  const copy = structuredClone(GOLDEN);
  change(copy);
  return copy;
}

test("every golden number of the algorithm matches", () => {
  const checks = verifyAlgorithm(GOLDEN);
  expect(checks.length).toBeGreaterThan(100);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
});

test("a golden number that is off by a millionth fails, and its check is named", () => {
  const golden = changed((copy) => {
    const { cases } = copy["loss"] as { cases: { tokenLoss: number[][] }[] };
    const first = cases[0]?.tokenLoss[0] ?? [];
    first[0] = (first[0] ?? 0) + 1e-6;
  });
  const failed = verifyAlgorithm(golden).filter(({ ok }) => !ok);
  expect(failed.map(({ name }) => name)).toEqual(["loss grpo tokenLoss"]);
});

test("an unknown format, version, section, loss or parameter is an error that names it", () => {
  const broken = (change: (golden: Record<string, unknown>) => void) => () =>
    verifyAlgorithm(changed(change));
  expect(broken((g) => Object.assign(g, { version: 2 }))).toThrow("version 2, known is");
  expect(broken((g) => Object.assign(g, { format: "other" }))).toThrow("is other version 1");
  expect(broken((g) => Object.assign(g, { surprise: {} }))).toThrow(
    "algorithm.surprise: unknown section",
  );
  const firstCase = (g: Record<string, unknown>) =>
    (g["loss"] as { cases: Record<string, unknown>[] }).cases[0] ?? {};
  expect(broken((g) => Object.assign(firstCase(g), { name: "ppo-3" }))).toThrow(
    'unknown loss "ppo-3"',
  );
  expect(broken((g) => Object.assign(firstCase(g), { parameters: { wings: 2 } }))).toThrow(
    'algorithm.loss.cases[0].parameters: unknown field "wings"',
  );
  expect(broken((g) => Object.assign(g, { advantages: 3 }))).toThrow(
    "algorithm.advantages: must be a list",
  );
  expect(() => verifyAlgorithm([])).toThrow("algorithm: must be an object");
});
