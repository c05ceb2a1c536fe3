/** A worker that is killed each time at the same place, with real processes: the run ends, and says why. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Gumshoe, ROOT } from "../support/gumshoe.js";

let gumshoe: Gumshoe;
beforeAll(async () => {
  gumshoe = await Gumshoe.create();
});
afterAll(() => gumshoe.close());

/** Kills the worker that it grades for, as long as a file is there: as the system does for lack of memory. */
const MODULE = `
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
export const createEnvironment = ({ trap }) => ({
  task: () => ({ messages: [{ role: "user", content: "Who?" }], randomGuessLevel: 0 }),
  grade: (task, reply) => {
    // The coordinator grades too, when the run is submitted.
    const parent = String(process.ppid);
    const isWorker = readFileSync("/proc/" + parent + "/cmdline", "utf8").includes("worker");
    if (isWorker && existsSync(trap)) execFileSync("kill", ["-9", parent]);
    return { reward: reply.length % 2 };
  },
});
`;

test.runIf(process.platform === "linux")(
  "a run whose worker is killed at every try ends as stuck, and goes on once the cause is gone",
  async () => {
    const file = (name: string) => join(gumshoe.home, name);
    const trap = file("trap");
    writeFileSync(trap, "");
    writeFileSync(file("module.mjs"), MODULE);
    const config = file("stuck.json");
    writeFileSync(
      config,
      JSON.stringify({
        type: "grpo",
        model: join(ROOT, "models/rookie"),
        iterations: 1,
        tasks: {
          source: { type: "module", module: file("module.mjs"), seed: 1, options: { trap } },
          perIteration: 2,
        },
        rollouts: { perTask: 4, maxAnswerTokens: 8 },
      }),
    );
    const running = gumshoe.start(["run", config]);
    const { code, err } = await running.ended;
    expect(code).toBe(1);
    expect(err.split("inference-1 died (SIGKILL); starting it again")).toHaveLength(4);
    expect(err).toMatch(/lost inference [0-9a-f-]+ \(SIGKILL\)/);
    // The job is known where a heartbeat came between its start and the death.
    expect(err).toMatch(
      /gumshoe: run stuck is stuck in iteration 1, after update 0(, at job stuck\/0\/train\/\d)?:/,
    );
    expect(err).toContain(
      "inference died 3 times without any progress between, the last time: SIGKILL",
    );
    expect(err).toContain("the run continues by: ");

    rmSync(trap);
    expect(await gumshoe.run([config])).toMatchObject({ run: "stuck", iterations: 1 });
  },
  90_000,
);
