import { expect, test } from "vitest";

import { Slots } from "./slots.js";

test("at most as many tasks run as there are slots, and waiting ones start in order", async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  let numInHand = 0;
  let most = 0;
  const work = async (i: number) => {
    begun.push(i);
    most = Math.max(most, ++numInHand);
    await new Promise((resolve) => setTimeout(resolve, 2));
    numInHand -= 1;
    if (i === 1) throw new Error("one that fails gives its slot back");
    return i;
  };
  const all = await Promise.allSettled([0, 1, 2, 3, 4].map((i) => slots.during(() => work(i))));
  expect(all.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
