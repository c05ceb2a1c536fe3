import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, expect, test } from "vitest";

const CORE = fileURLToPath(new URL("../dist/index.js", import.meta.url));
/** A device whose writes fail with ENOSPC, as on a full disk. */
const FULL = "/dev/full";
const folder = mkdtempSync(join(tmpdir(), "gumshoe-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Returns a program that creates a logger `log` and runs these lines. */
function program(...lines: string[]): string[] {
  const start = [`import { createLogger } from ${JSON.stringify(CORE)};`];
  const text = [...start, 'const log = createLogger("test");', ...lines].join("\n");
  return ["--input-type=module", "--eval", text];
}

const messages = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

test("all lines are written in order, including those just before the exit", () => {
  const file = join(folder, "log");
  const descriptor = openSync(file, "w");
  const lines = ["for (let i = 0; i < 2000; i++) log.info(String(i));", "process.exit(3);"];
  const { status } = spawnSync(process.execPath, program(...lines), {
    stdio: ["ignore", "ignore", descriptor],
  });
  closeSync(descriptor);
  expect(status).toBe(3);
  const written = messages(readFileSync(file, "utf8")).map(Number);
  expect(written.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
});

test.runIf(existsSync(FULL))("a full disk neither ends a process nor delays its exit", () => {
  const full = openSync(FULL, "w");
  const lines = [
    "let numLines = 0;",
    "const timer = setInterval(() => {",
    "  log.info(`line ${++numLines}`);",
    "  if (numLines < 10) return;",
    "  clearInterval(timer);",
    '  console.log("went on");',
    "  process.exitCode = 4;",
    "}, 10);",
  ];
  const { status, stdout } = spawnSync(process.execPath, program(...lines), {
    stdio: ["ignore", "pipe", full],
    encoding: "utf8",
    timeout: 20_000,
  });
  closeSync(full);
  expect([status, stdout]).toEqual([4, "went on\n"]);
});

test("a slow reader gets a line that counts the dropped lines", async () => {
  const lines = [
    "const text = 'x'.repeat(1000);",
    // More than the buffer holds, with event-loop iterations in between, so that the pipe is full.
    "for (let i = 0; i < 20; i++) {",
    "  for (let j = 0; j < 1000; j++) log.info(text);",
    "  await new Promise((resolve) => setTimeout(resolve, 5));",
    "}",
    'console.log("done");',
    "process.stdin.once('data', () => { log.info('the end'); process.stdin.destroy(); });",
  ];
  const child = spawn(process.execPath, program(...lines), { stdio: ["pipe", "pipe", "pipe"] });
  await once(child.stdout, "data");
  let err = "";
  child.stderr.on("data", (data: Buffer) => (err += data.toString()));
  child.stdin.write("go on\n");
  await once(child, "close");
  const said = messages(err);
  expect(said.length).toBeGreaterThan(1000);
  expect(said.length).toBeLessThan(20_000);
  const lost = said.find((msg) => msg.startsWith("about "));
  expect(lost).toMatch(/^about \d+ lines of this log are lost: the log was written too slowly$/);
  expect(said.at(-1)).toBe("the end");
});
