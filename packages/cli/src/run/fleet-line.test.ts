import { expect, test } from "vitest";

import { describeFleet } from "./fleet-line.js";

const member = (role: string, state: string, tokensPerSecond = 0) => ({
  role,
  state,
  tokensPerSecond,
});

test("a fleet is described in one line: states per role, and total speeds", () => {
  const workers = [
    member("trainer", "idle", 100),
    member("inference", "lost"),
    member("inference", "busy", 2000),
    member("inference", "busy", 2000),
    member("reducer", "idle"),
  ];
  expect(describeFleet(workers)).toBe(
    "inference 2 busy 1 lost, trainer 1 idle, reducer 1 idle; in the last minute 4,000 sampled, 100 trained tokens/s",
  );
});

test("an empty fleet has a description", () => {
  expect(describeFleet([])).toBe("no workers");
});
