import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pid } from "node:process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

import { KERNELS } from "../launches/launch.js";
import { OPERATIONS } from "../native/records.js";
import { OPERATION_CASES } from "./operation-cases.js";
import { type RecordedOperation, recordOperations } from "./recorded-cases.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = join(PACKAGE, "build/cuda");
const CASES = join(BUILD, "operations.cases");

const built = execFileSync(process.execPath, [join(PACKAGE, "build-checks.mjs")], {
  encoding: "utf8",
});
const { architectures } = JSON.parse(built) as { architectures: string[] };

let recorded: RecordedOperation[] = [];

beforeAll(() => {
  mkdirSync(BUILD, { recursive: true });
  const scratch = `${CASES}.tmp-${pid}`;
  rmSync(scratch, { force: true });
  recorded = OPERATION_CASES.flatMap(({ name, run }) => recordOperations(scratch, name, run));
  renameSync(scratch, CASES);
});

/** Runs a program of cuda/check; returns the counts of its last line. */
function check(program: string, ...args: string[]): Record<"cases" | "bytes" | "wrong", number> {
  const output = execFileSync(join(BUILD, "checks", program), [...args, CASES], {
    encoding: "utf8",
  });
  const counts = /(\d+) cases, \d+ schedules, (\d+) bytes compared, (\d+) wrong\n$/.exec(output);
  const [, cases, bytes, wrong] = counts ?? [];
  return { cases: Number(cases), bytes: Number(bytes), wrong: Number(wrong) };
}

/** What ptxas tells of each kernel: registers of a thread, and bytes that do not fit into them. */
function usageOf(architecture: string): Map<string, { registers: number; spilled: number }> {
  const text = readFileSync(join(BUILD, architecture, "usage.txt"), "utf8");
  const kernels = text.matchAll(
    /Compiling entry function '(\w+)'[^]*?(\d+) bytes spill stores, (\d+) bytes spill loads[^]*?Used (\d+) registers/g,
  );
  return new Map(
    [...kernels].map(([, name = "", stores, loads, registers]) => [
      name,
      { registers: Number(registers), spilled: Number(stores) + Number(loads) },
    ]),
  );
}

test("the recorded cases run every operation that has a CUDA kernel", () => {
  const missing = OPERATIONS.filter(
    (name) => !recorded.some(({ operation }) => operation === name),
  );
  expect(missing).toEqual(["fmaPeak"]);
});

test("emulated kernels in memory between guard pages have the CPU's bits", () => {
  const { cases, wrong } = check("replay");
  expect({ cases, wrong }).toEqual({ cases: recorded.length, wrong: 0 });
});

if (architectures.length === 0) {
  process.stderr.write("compiled CUDA kernels: 3 checks skipped, there is no nvcc\n");
}

describe.skipIf(architectures.length === 0).each(["sm_80", "sm_90", "sm_100"])(
  "kernels that nvcc compiled for %s",
  (architecture) => {
    test("have the CPU's bits when their PTX is interpreted", () => {
      const { cases, wrong, bytes } = check("ptx-replay", join(BUILD, architecture, "kernels.ptx"));
      expect({ cases, wrong }).toEqual({ cases: recorded.length, wrong: 0 });
      expect(bytes).toBeGreaterThan(1_000_000);
    });

    test("keep everything in registers", () => {
      const usage = usageOf(architecture);
      expect([...usage.keys()].sort()).toEqual(Object.keys(KERNELS).sort());
      expect([...usage].filter(([, { spilled }]) => spilled > 0)).toEqual([]);
    });
  },
);
