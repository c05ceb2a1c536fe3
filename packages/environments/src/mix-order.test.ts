import { expect, test } from "vitest";

import { MixOrder } from "./mix-order.js";

const sourcesOf = (order: MixOrder, count: number) =>
  Array.from({ length: count }, (_, position) => order.at(position).source);

test("every stretch of the series has the shares of the weights", () => {
  const weights = [5, 3, 2];
  const order = new MixOrder(weights);
  const counts = [0, 0, 0];
  for (let position = 0; position < 5000; position++) {
    const { source, index } = order.at(position);
    expect(index).toBe(counts[source]);
    counts[source] = index + 1;
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs((counts[i] ?? 0) - ((position + 1) * weight) / 10)).toBeLessThan(1.5);
    }
  }
  expect(counts).toEqual([2500, 1500, 1000]);
});

test("a position has one place, in whatever order positions are asked for", () => {
  const weights = [0.37, 1, 2.5];
  const forward = new MixOrder(weights);
  const places = Array.from({ length: 5000 }, (_, position) => forward.at(position));
  const other = new MixOrder(weights);
  for (const position of [4999, 0, 3000, 1023, 1024, 2999]) {
    expect(other.at(position)).toEqual(places[position]);
  }
});

test("equal weights take turns, and only the ratio of weights matters", () => {
  expect(sourcesOf(new MixOrder([1, 1]), 6)).toEqual([0, 1, 0, 1, 0, 1]);
  expect(sourcesOf(new MixOrder([8, 2]), 50)).toEqual(sourcesOf(new MixOrder([4, 1]), 50));
});

test("the size is the number of tasks before a source repeats one", () => {
  const order = new MixOrder([1, 1]);
  expect(order.size([null, null])).toBeNull();
  // 0 1 0 1 0 1, then the fourth task of the second source.
  expect(order.size([null, 3])).toBe(7);
  expect(order.size([3, 3])).toBe(6);
  expect(new MixOrder([1e6, 1]).size([null, 5000])).toBeNull();
});
