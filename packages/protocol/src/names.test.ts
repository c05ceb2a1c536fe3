import { expect, test } from "vitest";

import { formatTensorName, groupKey, parseGroupKey, parseTensorName } from "./names.js";

test("a group's key gives iteration, kind and index", () => {
  expect(groupKey(3, "train", 7)).toBe("3/train/7");
  expect(parseGroupKey("3/validation/12")).toEqual({ iteration: 3, kind: "validation", index: 12 });
});

test("a tensor's name is parsed as it was formatted", () => {
  const weights = { type: "weights", version: 4 } as const;
  const gradient = { type: "gradient", plan: "p1-x", update: 2, lane: 0 } as const;
  expect(formatTensorName(weights)).toBe("weights/4");
  expect(formatTensorName(gradient)).toBe("gradient/p1-x/2/0");
  const reference = { type: "reference", version: 3 } as const;
  expect(formatTensorName(reference)).toBe("reference/3");
  expect(parseTensorName("reference/3")).toEqual(reference);
  expect(parseTensorName("weights/4")).toEqual(weights);
  expect(parseTensorName("gradient/p1-x/2/0")).toEqual(gradient);
});

test("other text is rejected", () => {
  for (const text of ["", "weights", "weights/-1", "gradient/p/1", "weights/1/2", "../weights/1"]) {
    expect(() => parseTensorName(text), text).toThrow("is not a tensor's name");
  }
  for (const text of ["", "1/test/2", "1/train", "x/train/1"]) {
    expect(() => parseGroupKey(text), text).toThrow("is not a group key");
  }
});
