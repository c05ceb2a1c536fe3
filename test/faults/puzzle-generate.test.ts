/**
 * Generating files of cases in threads: the same bytes for any number of threads, and no partial
 * files.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { ROOT } from "../support/gumshoe.js";
import { gumshoe } from "../support/in-process.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-generate-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Waits until the folder holds a file with a matching name: the command has then begun to write.
 */
async function untilFile(name: RegExp): Promise<void> {
  const giveUpAt = Date.now() + 20_000;
  while (!readdirSync(folder).some((one) => name.test(one))) {
    if (Date.now() > giveUpAt) throw new Error(`no ${name.source} came`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Starts generating a file that takes minutes. */
function startLongWork(file: string) {
  const series = ["--tier", "hard", "--count", "5000", "--threads", "2"];
  const words = ["puzzle", "generate", ...series, "--out", file];
  return spawn(process.execPath, [join(ROOT, "packages/cli/bin/gumshoe.js"), ...words], {
    stdio: "ignore",
  });
}

test("one, two and three threads write the same bytes", async () => {
  for (const [tier, count] of [
    ["mini", "150"],
    ["easy", "50"],
  ] as const) {
    const texts: string[] = [];
    for (const threads of ["1", "2", "3"]) {
      const file = join(folder, `${tier}-${threads}.jsonl`);
      const series = ["--tier", tier, "--count", count, "--seed", "8", "--threads", threads];
      const { code } = await gumshoe(folder, "puzzle", "generate", ...series, "--out", file);
      expect(code).toBe(0);
      texts.push(readFileSync(file, "utf8"));
    }
    expect(texts[0]?.split("\n")).toHaveLength(Number(count) + 1);
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).toBe(texts[0]);
  }
});

test("Ctrl-C leaves the previous file unchanged, and no other file", async () => {
  const file = join(folder, "cases.json");
  writeFileSync(file, "before");
  const child = startLongWork(file);
  await untilFile(/\.tmp$/);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([1, null]);
  expect(readdirSync(folder)).toEqual(["cases.json"]);
  expect(readFileSync(file, "utf8")).toBe("before");
});

test("kill -9 leaves no file of that name", async () => {
  const file = join(folder, "cases.json");
  const child = startLongWork(file);
  await untilFile(/\.tmp$/);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(readdirSync(folder)).not.toContain("cases.json");
});
