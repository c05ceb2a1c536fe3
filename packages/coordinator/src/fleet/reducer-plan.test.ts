import { createLogger, systemClock } from "@gumshoe/core";
import { PROTOCOL_VERSION } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { Fleet } from "./fleet.js";
import { ReducerPlan } from "./reducer-plan.js";

const logger = createLogger("plan", "silent");

test("a plan is never made without reducers: if the last one leaves, the plan waits for another", async () => {
  const fleet = new Fleet({ clock: systemClock, logger, lostAfterMs: 10_000 });
  fleet.register({
    workerId: "reducer-1",
    role: "reducer",
    host: "a",
    pid: 1,
    device: "cpu x1",
    memoryBytes: 1,
    address: "127.0.0.1:1",
    protocolVersion: PROTOCOL_VERSION,
  });
  const stop = new AbortController();
  const outcome = ReducerPlan.establish({
    run: "early",
    numParameters: 10,
    source: { folder: "model", withOptimizer: false, version: 0 },
    baseFolder: "",
    fleet,
    token: "token",
    tls: null,
    logger,
    signal: stop.signal,
    expected: null,
  }).then(
    ({ size }) => `a plan with ${size} reducers`,
    (error: unknown) => String(error),
  );
  await systemClock.sleep(50);
  fleet.leave("reducer-1");
  const soon = systemClock.sleep(500).then(() => "waiting");
  expect(await Promise.race([outcome, soon])).toBe("waiting");
  stop.abort(new Error("stopped"));
  expect(await outcome).toContain("stopped");
});
