import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { describe, expect, test } from "vitest";

const PRIORITY = fileURLToPath(new URL("../dist/priority.js", import.meta.url));

/**
 * Returns the priorities of all threads of a process after some calls of `yieldCores` and one new
 * thread.
 */
function prioritiesAfter(...calls: number[]): number[] {
  const thread = "data:text/javascript,await new Promise(() => setTimeout(() => {}, 60000))";
  const script = `
    import { readdirSync } from "node:fs";
    import { getPriority } from "node:os";
    import { Worker } from "node:worker_threads";
    import { yieldCores } from ${JSON.stringify(PRIORITY)};
    for (const nice of ${JSON.stringify(calls)}) yieldCores(nice);
    new Worker(new URL(${JSON.stringify(thread)})).on("online", () => {
      const threads = readdirSync("/proc/self/task").map(Number);
      console.log(JSON.stringify(threads.map((id) => getPriority(id))));
      process.exit();
    });
  `;
  const flags = ["--input-type=module", "-e", script];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" })) as number[];
}

describe.skipIf(process.platform !== "linux")("priorities", () => {
  test("all threads get the lower priority, including those that start later", () => {
    const priorities = prioritiesAfter(12);
    expect(priorities.length).toBeGreaterThan(2);
    expect(new Set(priorities)).toEqual(new Set([12]));
  });

  test("a later call never raises the priority", () => {
    expect(new Set(prioritiesAfter(15, 5))).toEqual(new Set([15]));
  });
});
