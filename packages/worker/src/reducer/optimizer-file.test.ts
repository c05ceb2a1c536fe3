import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { openMoments } from "./optimizer-file.js";

async function readMoments(from: string, start: number, end: number) {
  const file = await openMoments(from);
  try {
    return await file.read(start, end);
  } finally {
    await file.close();
  }
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "optimizer-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeHeader(header: unknown): void {
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(folder, "optimizer.moments"), Buffer.concat([size, text, Buffer.alloc(16)]));
}

function writeFile(length: number, cutBytes = 0, name = "optimizer.moments"): void {
  const bytes = 4 * length;
  const header = JSON.stringify({
    exp_avg: { dtype: "F32", shape: [length], data_offsets: [0, bytes] },
    exp_avg_sq: { dtype: "F32", shape: [length], data_offsets: [bytes, 2 * bytes] },
  });
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const values = Float32Array.from({ length: 2 * length }, (_, i) => i);
  const data = Buffer.concat([size, Buffer.from(header), Buffer.from(values.buffer)]);
  writeFileSync(join(folder, name), data.subarray(0, data.length - cutBytes));
}

test("any range of both moments can be read", async () => {
  writeFile(10);
  const { m, v } = await readMoments(folder, 3, 6);
  expect([...m]).toEqual([3, 4, 5]);
  expect([...v]).toEqual([13, 14, 15]);
});

test("the moments of a checkpoint in the earlier format are read", async () => {
  writeFile(10, 0, "optimizer.safetensors");
  expect([...(await readMoments(folder, 3, 6)).v]).toEqual([13, 14, 15]);
});

test("a truncated, short or missing file is an error that names it", async () => {
  await expect(readMoments(folder, 0, 1)).rejects.toThrow("optimizer.moments: ENOENT");
  writeFile(10, 4);
  await expect(readMoments(folder, 8, 10)).rejects.toThrow("is truncated");
  writeFile(10);
  await expect(readMoments(folder, 0, 11)).rejects.toThrow(
    "does not hold exp_avg up to element 11",
  );
});

test.each([
  null,
  7,
  { exp_avg: null },
  { exp_avg: { data_offsets: null } },
  { exp_avg: { data_offsets: [-8, 8] } },
  { exp_avg: { data_offsets: ["0", "8"] } },
])("a header of another kind is an error that names the file: %j", async (header) => {
  writeHeader(header);
  await expect(readMoments(folder, 0, 2)).rejects.toThrow(/optimizer\.moments.*hold exp_avg up to/);
});
