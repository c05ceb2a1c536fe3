import { expect, test } from "vitest";
import { assignLanes } from "./lanes.js";
import { countRowTokens, type Pack } from "./pack.js";

function packOf(key: number, tokens: number): Pack {
  return { groupKey: String(key), promptTokens: new Int32Array(tokens), answers: [] };
}

test("every pack is in exactly one lane, and packs keep their order within it", () => {
  const packs = [7, 1, 5, 3, 3, 8, 2].map((size, i) => packOf(i, size));
  const lanes = assignLanes(packs, 3);
  const keys = lanes.map((lane) => lane.map((p) => Number(p.groupKey)));
  expect(keys.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  for (const lane of keys) expect(lane).toEqual([...lane].sort((a, b) => a - b));
});

test("no lane has more than the mean plus the longest pack", () => {
  const sizes = Array.from({ length: 40 }, (_, i) => 10 + ((i * 37) % 91));
  const lanes = assignLanes(
    sizes.map((size, i) => packOf(i, size)),
    6,
  );
  const loads = lanes.map((lane) => lane.reduce((sum, p) => sum + countRowTokens(p), 0));
  const mean = sizes.reduce((a, b) => a + b) / 6;
  expect(Math.max(...loads)).toBeLessThanOrEqual(mean + Math.max(...sizes));
  expect(Math.max(...loads) / Math.min(...loads)).toBeLessThan(1.1);
});

test("the number of lanes is always the requested one; some may be empty", () => {
  expect(assignLanes([packOf(0, 4)], 3).map((lane) => lane.length)).toEqual([1, 0, 0]);
  expect(assignLanes([], 2)).toEqual([[], []]);
  expect(() => assignLanes([], 0)).toThrow("lanes: must be a whole number above 0");
});
