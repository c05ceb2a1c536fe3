import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const PRIORITY = fileURLToPath(new URL("../dist/priority.js", import.meta.url));

const THREAD = `
  import { getPriority } from "node:os";
  import { parentPort } from "node:worker_threads";
  parentPort.postMessage(getPriority());
`;

/** The priority, and that of a thread started afterwards, of a process that calls `yieldCores` each time. */
function prioritiesAfter(...calls: number[]): number[] {
  const thread = `data:text/javascript,${encodeURIComponent(THREAD)}`;
  const script = `
    import { getPriority } from "node:os";
    import { Worker } from "node:worker_threads";
    import { yieldCores } from ${JSON.stringify(PRIORITY)};
    for (const nice of ${JSON.stringify(calls)}) yieldCores(nice);
    new Worker(new URL(${JSON.stringify(thread)})).on("message", (inThread) => {
      console.log(JSON.stringify([getPriority(), inThread]));
    });
  `;
  const flags = ["--input-type=module", "-e", script];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" })) as number[];
}

test("threads that are started afterwards stand back, too", () => {
  expect(prioritiesAfter(12)).toEqual([12, 12]);
});

test("a process never comes forward again", () => {
  expect(prioritiesAfter(15, 5)).toEqual([15, 15]);
});
