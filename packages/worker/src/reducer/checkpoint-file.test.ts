import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeEach, expect, test } from "vitest";

import { writeCheckpointRange } from "./checkpoint-file.js";

const root = mkdtempSync(join(tmpdir(), "gumshoe-checkpoint-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const home = join(root, "home");
const folder = join(home, "runs/a/checkpoints/3.tmp");
const NAME = "runs/a/checkpoints/3.tmp/model.safetensors";

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(folder, "state"), { recursive: true });
  mkdirSync(join(home, "runs/b/checkpoints/3.tmp"), { recursive: true });
  for (const file of ["model.safetensors", "state/moments.bin", "../../../b/checkpoints/3.tmp/x"]) {
    writeFileSync(join(folder, file), Buffer.alloc(100));
  }
  writeFileSync(join(home, "token"), Buffer.alloc(100));
});

function write(name: string, { dataOffset = 20, start = 2, dtype = "F32" } = {}): Promise<void> {
  const values = Float32Array.from([1, 2, 3]);
  const read = async (from: number, to: number) => values.slice(from - start, to - start);
  const range = { start, end: start + values.length, read };
  return writeCheckpointRange({ home, run: "a", file: { name, dataOffset, dtype }, ...range });
}

test("a range is written at its position, and nowhere else", async () => {
  await write(NAME);
  const bytes = readFileSync(join(home, NAME));
  expect([...new Float32Array(Uint8Array.from(bytes.subarray(28, 40)).buffer)]).toEqual([1, 2, 3]);
  expect(bytes.subarray(0, 28).every((byte) => byte === 0)).toBe(true);
  expect(bytes).toHaveLength(100);
  await write("runs/a/checkpoints/3.tmp/state/moments.bin");
});

test("a recovery point's files are written as a checkpoint's are", async () => {
  mkdirSync(join(home, "runs/a/recovery/7.tmp"), { recursive: true });
  const name = "runs/a/recovery/7.tmp/optimizer.moments";
  writeFileSync(join(home, name), Buffer.alloc(100));
  await write(name);
  const bytes = readFileSync(join(home, name));
  expect([...new Float32Array(Uint8Array.from(bytes.subarray(28, 40)).buffer)]).toEqual([1, 2, 3]);
});

test("values are stored in the requested dtype", async () => {
  await write(NAME, { dtype: "BF16" });
  const bytes = readFileSync(join(home, NAME));
  expect([...new Uint16Array(Uint8Array.from(bytes.subarray(24, 30)).buffer)]).toEqual([
    0x3f80, 0x4000, 0x4040,
  ]);
  expect(bytes.subarray(30).every((byte) => byte === 0)).toBe(true);
  await expect(write(NAME, { dtype: "I8" })).rejects.toThrow('has values of dtype "I8"');
});

test.each([
  join(root, "home", NAME),
  "token",
  "../home/token",
  "runs/a/checkpoints/3.tmp/../../../../token",
  "runs/a/checkpoints/3.tmp/..",
  "runs/a/checkpoints/3/model.safetensors",
  "runs/a/recovery/7/model.safetensors",
  "runs/a/ledger/events.jsonl",
  "runs/b/checkpoints/3.tmp/x",
  `runs/a/checkpoints/3.tmp/${"x".repeat(5000)}`,
  "",
])("%s is refused as a path for a checkpoint", async (name) => {
  const problem = "is no file of a checkpoint of run a";
  await expect(write(name)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(problem) as string,
  });
});

test("links are not followed, and files are neither created nor extended", async () => {
  symlinkSync(join(home, "token"), join(folder, "linked"));
  await expect(write("runs/a/checkpoints/3.tmp/linked")).rejects.toThrow("cannot be opened");
  mkdirSync(join(home, "runs/a/checkpoints/outside"), { recursive: true });
  symlinkSync(root, join(home, "runs/a/checkpoints/4.tmp"));
  writeFileSync(join(root, "file"), Buffer.alloc(100));
  await expect(write("runs/a/checkpoints/4.tmp/file")).rejects.toThrow("leads out of the home");
  await expect(write("runs/a/checkpoints/3.tmp/other")).rejects.toThrow(
    /other cannot be opened in .*home.*GUMSHOE_HOME of a reducer/,
  );
  await expect(write(NAME, { start: 18 })).rejects.toThrow("has 100 bytes, too few");
  expect(readFileSync(join(home, "token"))).toHaveLength(100);
});
