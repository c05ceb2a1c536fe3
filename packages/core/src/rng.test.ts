import { describe, expect, test } from "vitest";
import { philox4x32, Rng, type Words4 } from "./rng.js";

const hex = (words: readonly number[]) => words.map((word) => word.toString(16).padStart(8, "0"));

describe("philox4x32", () => {
  // Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
  test.each<[Words4, [number, number], string]>([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
  ])("counter %j with key %j gives the published block", (counter, key, expected) => {
    expect(hex(philox4x32(counter, key)).join(" ")).toBe(expected);
  });
});

describe("Rng", () => {
  const draws = (rng: Rng, count = 8) => Array.from({ length: count }, () => rng.uint32());

  test("a stream is a function of its seed and parts alone", () => {
    expect(draws(new Rng(7, 1, 2))).toEqual(draws(new Rng(7, 1, 2)));
    const names: [number, ...number[]][] = [[7], [8], [7, 0], [7, 0, 0], [7, 1, 2], [7, 2, 1]];
    const more: [number, ...number[]][] = [[-7], [7 + 2 ** 32], [7, 1 + 2 ** 32, 2]];
    const firsts = [...names, ...more].map((name) => draws(new Rng(...name), 2).join());
    expect(new Set(firsts).size).toBe(9);
  });

  test("the numbers of a stream never change between versions", () => {
    // Every user's runs are reproduced from these numbers: changing them changes every run.
    expect(draws(new Rng(42, 3, 1), 5)).toEqual([
      2739554896, 4192314820, 2844337151, 1222401132, 3488578334,
    ]);
  });

  test("a fork does not depend on earlier draws", () => {
    const [early, late] = [new Rng(5, 1), new Rng(5, 1)];
    draws(late, 1001);
    expect(draws(early.fork(9))).toEqual(draws(late.fork(9)));
    expect(draws(early.fork(9))).not.toEqual(draws(early.fork(10)));
    expect(draws(early.fork())).not.toEqual(draws(new Rng(5, 1)));
  });

  test("uniform numbers lie in [0, 1) and are evenly distributed", () => {
    const rng = new Rng(1);
    const counts = new Array<number>(10).fill(0);
    const values = Array.from({ length: 20_000 }, () => rng.uniform());
    expect(values.filter((value) => value < 0 || value >= 1)).toEqual([]);
    for (const value of values) counts[Math.floor(value * 10)]!++;
    // Six standard deviations of a binomial proportion of 1/10.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(6 * Math.sqrt(1800));
  });

  test("below draws every value up to its bound, without bias", () => {
    const rng = new Rng(2);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 21_000; i++) counts[rng.below(7)]!++;
    for (const count of counts) expect(Math.abs(count - 3000)).toBeLessThan(6 * Math.sqrt(2600));
    expect(rng.below(1)).toBe(0);
    expect(rng.below(2 ** 32)).toBeLessThan(2 ** 32);
    expect(() => rng.below(0)).toThrow("a bound is 1 to 2^32, not 0");
  });

  test("between includes both ends", () => {
    const rng = new Rng(3);
    const seen = new Set(Array.from({ length: 200 }, () => rng.between(-1, 2)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
  });

  test("chance is true with the given probability", () => {
    const rng = new Rng(4);
    const yes = Array.from({ length: 10_000 }, () => rng.chance(0.3)).filter(Boolean).length;
    expect(Math.abs(yes - 3000)).toBeLessThan(6 * Math.sqrt(2100));
    expect(rng.chance(0)).toBe(false);
    expect(rng.chance(1)).toBe(true);
  });

  test("shuffle keeps the items, does not modify its input, and reaches every order", () => {
    const rng = new Rng(6);
    const items = ["a", "b", "c"] as const;
    const orders = new Set(Array.from({ length: 200 }, () => rng.shuffle(items).join("")));
    expect(orders.size).toBe(6);
    expect(items.join("")).toBe("abc");
    expect(rng.shuffle([])).toEqual([]);
  });

  test("pick reaches every item, and rejects an empty list", () => {
    const rng = new Rng(8);
    const seen = new Set(Array.from({ length: 100 }, () => rng.pick([1, 2, 3])));
    expect(seen.size).toBe(3);
    expect(() => rng.pick([])).toThrow("empty list");
  });

  test("a seed that is not an integer is rejected", () => {
    expect(() => new Rng(0.5)).toThrow("a seed and its parts are integers, not 0.5");
    expect(() => new Rng(1, NaN)).toThrow("NaN");
  });
});
