import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Alarm } from "@gumshoe/api";
import { createLogger, systemClock } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { RunRecord } from "../run/run-record.js";
import { newRunState, type RunState } from "../run/run-state.js";
import { AlarmWatch } from "./alarm-watch.js";

let state: RunState;
let nowMs: number;
let logged: string;
let watch: AlarmWatch;
let received: Alarm[];
const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () => {
    received.push(JSON.parse(text) as Alarm);
    response.writeHead(received.length === 1 ? 500 : 200).end();
    server.emit("received");
  });
});
beforeEach(async () => {
  state = { ...newRunState(), status: "running" };
  [nowMs, logged, received] = [1000, "", []];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  watch = new AlarmWatch({
    runs: () => [{ config: { name: "r" }, state } as unknown as RunRecord],
    clock: { ...systemClock, now: () => nowMs },
    logger: createLogger("test", "info", { write: (line) => void (logged += line) }),
    webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarm`,
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const kinds = () => {
  watch.check();
  return watch.active().map(({ kind }) => kind);
};
const iterations = (count: number, of: (i: number) => Record<string, number>) =>
  state.iterationMetrics.push(...Array.from({ length: count }, (_, i) => of(i)));
const validation = (iteration: number, reward: number) =>
  state.validations.push({
    iteration,
    reward,
    low: reward - 0.05,
    high: reward + 0.05,
    count: 64,
    randomGuess: 0.3,
  });

test("an alarm is told once when it begins and once when it ends, and a webhook that fails is logged", async () => {
  iterations(3, () => ({ numGroups: 4, numZeroVariance: 4 }));
  expect(kinds()).toEqual(["all-groups-equal"]);
  await once(server, "received");
  expect(kinds()).toEqual(["all-groups-equal"]);
  iterations(1, () => ({ numGroups: 4, numZeroVariance: 1 }));
  nowMs = 5000;
  expect(kinds()).toEqual([]);
  await once(server, "received");
  expect(received.map(({ endedAtMs }) => endedAtMs)).toEqual([null, 5000]);
  expect(watch.all()).toMatchObject([{ run: "r", sinceMs: 1000, endedAtMs: 5000 }]);
  expect(logged.match(/nearly all groups/g)).toHaveLength(1);
  expect(logged).toContain("the webhook of alarms failed: it answered 500");
});

test("a validation that is clearly below the best is an alarm, chance is none", () => {
  validation(0, 0.4);
  validation(4, 0.6);
  validation(8, 0.57);
  expect(kinds()).toEqual([]);
  validation(12, 0.4);
  expect(kinds()).toEqual(["validation-falls"]);
});

test("a collapse of the entropy and a growth of cut answers are alarms after ten iterations", () => {
  iterations(9, (i) => ({
    entropy: i < 3 ? 1 : 0.01,
    meanAnswerTokens: i < 3 ? 10 : 50,
    numRollouts: 10,
    numTruncated: i < 3 ? 0 : 5,
  }));
  expect(kinds()).toEqual([]);
  iterations(1, () => ({ entropy: 0.01, meanAnswerTokens: 50, numRollouts: 10, numTruncated: 5 }));
  expect(kinds()).toEqual(["entropy-collapses", "lengths-run-away"]);
});

test("a silent ledger is an alarm while the run runs, and no more once it has ended", () => {
  state.lastAtMs = 1000;
  nowMs = 1000 + 599_000;
  expect(kinds()).toEqual([]);
  nowMs += 2000;
  expect(kinds()).toEqual(["nothing-moves"]);
  state.status = "failed";
  expect(kinds()).toEqual([]);
});
