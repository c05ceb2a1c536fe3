/** The plan of a run's memory, compared with what its processes take. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ProcessMemory } from "@gumshoe/bench";
import { afterEach, expect, test } from "vitest";

import { Gumshoe, ROOT } from "../support/gumshoe.js";

/** How far a plan may be from the truth. */
const TOLERANCE = 0.15;

const started: Gumshoe[] = [];
const folder = mkdtempSync(join(tmpdir(), "gumshoe-plan-"));
afterEach(async () => {
  await Promise.all(started.splice(0).map((gumshoe) => gumshoe.close()));
  rmSync(folder, { recursive: true, force: true });
});

test.runIf(process.platform === "linux")(
  "the planned peak of a small run is within 15 % of what its processes take together",
  async () => {
    const tiny = readFileSync(join(ROOT, "test/cluster/tiny.yaml"), "utf8");
    const config = join(folder, "tiny.yaml");
    const model = join(ROOT, "models/rookie");
    writeFileSync(
      config,
      tiny.replace("../../models/rookie", model).replace("iterations: 4", "iterations: 2"),
    );
    const gumshoe = await Gumshoe.create();
    started.push(gumshoe);
    const plan = await gumshoe.plan([config]);
    const run = gumshoe.start(["run", config, "--json"]);
    const memory = new ProcessMemory(run.child.pid ?? 0);
    await run.result();
    const { allBytes, atPeak } = memory.stop();
    expect(Object.keys(atPeak).sort()).toEqual([
      "command",
      "coordinator",
      "inference",
      "redis",
      "reducer",
      "trainer",
    ]);
    expect(plan.totalBytes / allBytes).toBeGreaterThan(1 - TOLERANCE);
    expect(plan.totalBytes / allBytes).toBeLessThan(1 + TOLERANCE);
  },
  120_000,
);
