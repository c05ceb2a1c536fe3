import { expect, test } from "vitest";

import { GradingClock } from "./grading-clock.js";

test("time in which several groups are graded counts once, for the one that began first", async () => {
  let nowMs = 1000;
  const clock = new GradingClock({ monotonicMs: () => nowMs });
  const begin = () => {
    let end: (error?: Error) => void = () => undefined;
    const grade = () =>
      new Promise<string>((resolve, reject) => {
        end = (error) => (error === undefined ? resolve("grades") : reject(error));
      });
    return { measured: clock.measure(grade), end };
  };
  const first = begin();
  nowMs += 10;
  const [second, third, failing] = [begin(), begin(), begin()];
  nowMs += 100;
  first.end();
  expect(await first.measured).toEqual({ value: "grades", ms: 110 });
  nowMs += 50;
  // A promise may settle before one that began earlier.
  third.end();
  expect(await third.measured).toEqual({ value: "grades", ms: 0 });
  nowMs += 5;
  second.end();
  expect(await second.measured).toEqual({ value: "grades", ms: 55 });
  nowMs += 30;
  failing.end(new Error("the lease is lost"));
  await expect(failing.measured).rejects.toThrow("the lease is lost");
  nowMs += 1000;
  const last = begin();
  nowMs += 7;
  last.end();
  expect(await last.measured).toEqual({ value: "grades", ms: 7 });
});
