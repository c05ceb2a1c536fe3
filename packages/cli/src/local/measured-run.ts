import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { BenchRunFailedError, type MeasuredRun } from "@gumshoe/bench";

import type { Context } from "../context.js";
import { readBilledRun, withPlanFiles } from "../plan/billed-run.js";
import { planOf } from "../plan/describe-plan.js";
import { loadRunConfig } from "../run/load-config.js";

const COMMAND = fileURLToPath(new URL("../../bin/gumshoe.js", import.meta.url));
const WORKERS = { inference: 1, trainers: 1, reducers: 1 };

/** Starts a run with one worker of each role in a temporary home, as `gumshoe run` does, and plans its memory. */
export async function startMeasuredRun(configFile: string, context: Context): Promise<MeasuredRun> {
  const given = loadRunConfig(configFile, null);
  const config = await withPlanFiles(given, { again: "gumshoe bench memory", context });
  const { totalBytes } = planOf(await readBilledRun(config), WORKERS);
  const home = await mkdtemp(join(tmpdir(), "gumshoe-bench-"));
  const child = spawn(process.execPath, [COMMAND, "run", configFile, "--home", home, "--json"], {
    cwd: context.workingFolder,
    env: context.env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new BenchRunFailedError(config.name, `ended with code ${code}`));
    });
  }).finally(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  ended.catch(() => undefined);
  return { name: config.name, pid: child.pid ?? 0, plannedBytes: totalBytes, ended };
}
