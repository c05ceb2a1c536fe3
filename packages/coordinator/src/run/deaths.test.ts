import type { RunEventOf } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { addToDeaths, type Deaths, stuckRole } from "./deaths.js";

let deaths: Deaths;
let atMs: number;
const begin = () => {
  deaths = new Map();
  atMs = 1000;
};

/** A trainer that dies a second after the previous event, just after it began its work. */
function die(changes: Partial<RunEventOf<"worker-lost">> = {}): void {
  atMs += 1000;
  const lost = { workerId: `w-${atMs}`, role: "trainer", job: "r/p/4/1", jobAgeMs: 10 };
  const body = { type: "worker-lost", ...lost, sinceMs: atMs - 10, ...changes } as const;
  addToDeaths(deaths, body, atMs);
}

test("three deaths of one role without progress make a run stuck, with the last cause", () => {
  begin();
  die({ cause: "SIGKILL" });
  die();
  expect(stuckRole(deaths)).toBeNull();
  die({ cause: "exit code 1" });
  expect(stuckRole(deaths)).toMatchObject({
    role: "trainer",
    deaths: { count: 3, cause: "exit code 1", job: "r/p/4/1" },
  });
});

test("a cause that is reported later applies to the last death", () => {
  begin();
  for (let i = 0; i < 3; i++) die({ workerId: `w${i}` });
  addToDeaths(deaths, { type: "worker-ended", workerId: "w1", role: "trainer", cause: "a" }, atMs);
  expect(stuckRole(deaths)?.deaths.cause).toBeNull();
  addToDeaths(deaths, { type: "worker-ended", workerId: "w2", role: "trainer", cause: "b" }, atMs);
  expect(stuckRole(deaths)?.deaths.cause).toBe("b");
});

test("workers that are killed together count once", () => {
  begin();
  die();
  const together = atMs;
  for (let i = 0; i < 10; i++) die({ sinceMs: together - 500 });
  expect(deaths.get("trainer")?.count).toBe(1);
});

test("a worker that the run did not wait for does not count", () => {
  begin();
  for (let i = 0; i < 5; i++) die({ sinceMs: undefined });
  expect(stuckRole(deaths)).toBeNull();
});

test("roles are counted apart", () => {
  begin();
  for (const role of ["trainer", "reducer", "trainer", "reducer"]) die({ role });
  expect(stuckRole(deaths)).toBeNull();
  die({ role: "reducer" });
  expect(stuckRole(deaths)?.role).toBe("reducer");
});

test("progress resets the count, and so does submitting the run again", () => {
  begin();
  for (const type of ["iteration-done", "run-submitted"] as const) {
    die();
    die();
    if (type === "run-submitted") addToDeaths(deaths, { type, config: {} }, atMs);
    else addToDeaths(deaths, { type, iteration: 0, metrics: {} }, atMs);
    die();
    expect(stuckRole(deaths)).toBeNull();
  }
});

test("a death at a later lane is the first at its place", () => {
  begin();
  for (const lanesDone of [4, 4, 5, 2]) die({ lanesDone });
  expect(stuckRole(deaths)).toBeNull();
  die({ lanesDone: 5 });
  expect(stuckRole(deaths)?.deaths.count).toBe(3);
});
