import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const MODULE = fileURLToPath(new URL("../dist/heap-growth.js", import.meta.url));

/** Retains 60 MB and drops 300 MB of tenured objects; prints the number of full collections. */
const PROGRAM = `
  import { PerformanceObserver, constants } from "node:perf_hooks";
  import { keepHeapGrowthSmall } from ${JSON.stringify(MODULE)};
  if (process.argv[1] === "small") keepHeapGrowthSmall();
  let count = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count += 1;
    }
  }).observe({ entryTypes: ["gc"] });
  const make = () => Array.from({ length: 1000 }, (_, i) => ({ i, text: [i] }));
  const held = Array.from({ length: 600 }, make);
  for (let i = 0; i < 3000; i++) {
    held[i % 600] = make();
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(count);
`;

function numCollections(growth: "small" | "usual"): number {
  const args = ["--input-type=module", "--eval", PROGRAM, growth];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

test("a process with a small heap growth limit runs full collections more often", () => {
  expect(numCollections("small")).toBeGreaterThan(2 * numCollections("usual"));
});
