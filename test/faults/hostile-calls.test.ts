/**
 * Calls without the token to a coordinator; `npm run hostile` sends ten thousand and prints the
 * measurements.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ROOT } from "../support/gumshoe.js";

interface Figures {
  readonly memoryMb: { readonly before: number; readonly peak: number };
  readonly eventLoopDelayMaxMs: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly logLines: number;
}

test(
  "calls without the token take little of the coordinator's memory and time",
  { timeout: 120_000 },
  () => {
    const words = [join(ROOT, "scripts/hostile-calls.mjs"), "--calls", "800"];
    const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    const { memoryMb, eventLoopDelayMaxMs, answers, logLines } = JSON.parse(stdout) as Figures;
    expect(answers).toMatchObject({
      "a check of 200 MB: 8": 80,
      "a check zipped: 3": 80,
      "a registration of 1 MB: 16": 80,
      "a check: 0": 80,
    });
    // 120 to 150 MB, and 25 ms, on 2 cores; a single buffered request of 200 MB makes it 500 MB or
    // more.
    expect(memoryMb.peak).toBeLessThan(300);
    expect(eventLoopDelayMaxMs).toBeLessThan(1000);
    expect(logLines).toBeLessThan(100);
  },
);
