/**
 * How much memory a run takes: the peak of the proportional set size (PSS: pages that processes share are
 * counted once, divided among them) of every process of a `gumshoe` command, and of their sum. Linux only.
 *
 *   node bench/memory.mjs [--json] run CONFIG --inference 1 --trainers 1 --reducers 1
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ProcessMemory } from "@gumshoe/bench";

const COMMAND = join(fileURLToPath(new URL("..", import.meta.url)), "packages/cli/bin/gumshoe.js");

const words = process.argv.slice(2);
const asJson = words.includes("--json");
const child = spawn(process.execPath, [COMMAND, ...words.filter((word) => word !== "--json")], {
  stdio: ["ignore", asJson ? "ignore" : "inherit", "inherit"],
});
const memory = new ProcessMemory(child.pid);
child.on("exit", (code) => {
  const { allBytes, atPeak, byRole } = memory.stop();
  const inGiB = (bytes) => Number((bytes / 2 ** 30).toFixed(2));
  const rounded = (roles) =>
    Object.fromEntries(Object.entries(roles).map(([role, bytes]) => [role, inGiB(bytes)]));
  const result = {
    peakGiB: { ...rounded(byRole), all: inGiB(allBytes) },
    atPeakOfAllGiB: rounded(atPeak),
  };
  console.log(asJson ? JSON.stringify(result) : result);
  process.exitCode = code ?? 1;
});
