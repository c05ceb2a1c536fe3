import { expect, test } from "vitest";

import { LaneSum, type LaneSource } from "./lane-sum.js";

const added: string[] = [];

function lane(name: string, delayMs = 0): LaneSource {
  const pause = () => new Promise((resolve) => setTimeout(resolve, delayMs));
  const add = async (isFirst: boolean) => {
    await pause();
    added.push(`${name}${isFirst ? " first" : ""}`);
  };
  const hold = async () => {
    await pause();
    added.push(`${name} copied`);
    return { add };
  };
  return { add, hold };
}

test("lanes are added in lane order from where they are stored, in whatever order they arrive", async () => {
  added.length = 0;
  const sum = new LaneSum(10_000);
  const taken = [2, 1].map((index) => sum.take(index, lane(String(index))));
  expect(() => sum.check(3)).toThrow("lane 0 was not collected");
  await sum.take(0, lane("0", 20));
  await Promise.all(taken);
  expect(added).toEqual(["0 first", "1", "2"]);
  sum.check(3);
  expect(() => sum.check(4)).toThrow("lane 3 was not collected");
});

test("a lane that waits too long for the ones before it is copied, and added later", async () => {
  added.length = 0;
  const sum = new LaneSum(20);
  await sum.take(2, lane("2"));
  await sum.take(1, lane("1"));
  expect(added).toEqual(["2 copied", "1 copied"]);
  await sum.take(0, lane("0"));
  expect(added.slice(2)).toEqual(["0 first", "1", "2"]);
  sum.check(3);
});

test("a repeated lane is added once", async () => {
  added.length = 0;
  const sum = new LaneSum(20);
  await Promise.all([sum.take(0, lane("0", 10)), sum.take(0, lane("again"))]);
  await sum.take(0, lane("late"));
  expect(added).toEqual(["0 first"]);
});

test("a copied lane that is repeated while it is being added is added once", async () => {
  added.length = 0;
  const sum = new LaneSum(5);
  await sum.take(2, lane("2", 10));
  await sum.take(1, lane("1", 10));
  const first = sum.take(0, lane("0", 10));
  // By now lanes 1 and 2 are being added, or about to be.
  const again: Promise<void>[] = [];
  for (let time = 0; time < 8; time++) {
    again.push(sum.take(1, lane("1 again")), sum.take(2, lane("2 again")));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all([first, ...again]);
  expect(added.slice(2)).toEqual(["0 first", "1", "2"]);
});

test("a lane that failed is accepted when it is repeated", async () => {
  added.length = 0;
  const sum = new LaneSum(20);
  const failing = { ...lane("0"), add: () => Promise.reject(new Error("gone")) };
  await expect(sum.take(0, failing)).rejects.toThrow("gone");
  await sum.take(0, lane("0"));
  expect(added).toEqual(["0 first"]);
});
