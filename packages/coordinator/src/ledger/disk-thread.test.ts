import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import type * as DiskThreadModule from "./disk-thread.js";

// The thread is a file of the built package, so the class is taken from there too.
const built = new URL("../../dist/ledger/disk-thread.js", import.meta.url).href;
const { DiskThread } = (await import(built)) as typeof DiskThreadModule;

let folder: string;
let disk: InstanceType<typeof DiskThread>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
  disk = new DiskThread();
});
afterEach(async () => {
  await disk.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("many blobs of two folders are on disk when they are said to be, each under its name", async () => {
  const texts = Array.from({ length: 100 }, (_, i) => `clue ${i}`);
  const blobs = texts.map((text, i) => ({
    where: join(folder, i % 2 === 0 ? "a" : "b"),
    name: sha256(text),
    // A part of a larger buffer: only the part is written.
    bytes: Buffer.from(`[${text}]`).subarray(1, 1 + text.length),
  }));
  await Promise.all(
    blobs.map(async ({ where, name, bytes }) => {
      await disk.write(where, name, bytes);
      expect(sha256(readFileSync(join(where, name)))).toBe(name);
    }),
  );
  expect(readdirSync(join(folder, "a"))).toHaveLength(50);
  expect(readdirSync(join(folder, "b"))).toHaveLength(50);
});

test("a blob that cannot be written is an error that names it, and the next one is written", async () => {
  writeFileSync(join(folder, "a"), "a file, where a folder should be");
  await expect(disk.write(join(folder, "a"), sha256("clue"), Buffer.from("clue"))).rejects.toThrow(
    /blobs cannot be written: .*(EEXIST|ENOTDIR)/,
  );
  await disk.write(join(folder, "b"), sha256("clue"), Buffer.from("clue"));
  expect(readFileSync(join(folder, "b", sha256("clue")), "utf8")).toBe("clue");
});

test("blobs that come after the thread has ended are refused", async () => {
  await disk.stop();
  await expect(disk.write(folder, sha256("clue"), Buffer.from("clue"))).rejects.toThrow(
    "blobs cannot be written: the thread that writes them has ended",
  );
});
