import { expect, test } from "vitest";

import { WordCache } from "./word-cache.js";

test("a word that is looked up again stays, others are dropped eventually", () => {
  const cache = new WordCache();
  cache.put("once", ["a"]);
  cache.put("again", ["b"]);
  for (let i = 0; i < 20_000; i++) {
    cache.put(`w${i}`, [String(i)]);
    expect(cache.get("again")).toEqual(["b"]);
  }
  expect(cache.get("once")).toBeUndefined();
  expect(cache.get("w19999")).toEqual(["19999"]);
  cache.clear();
  expect(cache.get("again")).toBeUndefined();
});
