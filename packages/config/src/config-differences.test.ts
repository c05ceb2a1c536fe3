import { expect, test } from "vitest";

import { configDifferences } from "./config-differences.js";

const CONFIG = { iterations: 3, optimizer: { lr: 0.01, beta: 0.9 }, validation: null };

test("equal configs have no differences, whatever the order of their fields", () => {
  const { iterations, optimizer, validation } = structuredClone(CONFIG);
  expect(configDifferences([CONFIG, { validation, optimizer, iterations }])).toEqual([]);
});

test("a differing field is listed with one value per config", () => {
  const others = [
    { ...CONFIG, optimizer: { beta: 0.9 } },
    { ...CONFIG, iterations: 4, validation: { count: 5 } },
  ];
  expect(configDifferences([CONFIG, ...others])).toEqual([
    { field: "iterations", values: [3, 3, 4] },
    { field: "optimizer.lr", values: [0.01, undefined, 0.01] },
    { field: "validation", values: [null, null, { count: 5 }] },
  ]);
});

test("a field that is null counts as one that is not set", () => {
  expect(configDifferences([{ a: null }, {}])).toEqual([]);
});
