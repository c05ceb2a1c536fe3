import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { BlobStore } from "./blob-store.js";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "blobs-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a blob is named by its content and leaves no temporary file", async () => {
  const store = await BlobStore.open(folder);
  const name = await store.put(Buffer.from("clue"));
  expect(name).toBe(sha256("clue"));
  expect(await store.put(Buffer.from("clue"))).toBe(name);
  expect(readdirSync(folder)).toEqual([name]);
  expect((await store.get(name)).toString()).toBe("clue");
});

test("many blobs written at once are all stored under their own names", async () => {
  const store = await BlobStore.open(folder);
  const texts = Array.from({ length: 100 }, (_, i) => `clue ${i}`);
  const names = await Promise.all(texts.map((text) => store.put(Buffer.from(text))));
  expect(names).toEqual(texts.map((text) => sha256(text)));
  expect(readdirSync(folder).sort()).toEqual([...names].sort());
});

test("a blob that cannot be written is an error that names its file", async () => {
  const store = await BlobStore.open(folder);
  rmSync(folder, { recursive: true });
  await expect(store.put(Buffer.from("clue"))).rejects.toThrow(sha256("clue"));
});

test("a blob whose bytes have changed is rejected by name", async () => {
  const store = await BlobStore.open(folder);
  const name = await store.put(Buffer.from("clue"));
  writeFileSync(join(folder, name), "glue");
  await expect(store.get(name)).rejects.toThrow(`${name}: its bytes have changed`);
});

test("reading a missing blob fails with the file's name", async () => {
  const store = await BlobStore.open(folder);
  await expect(store.get("0".repeat(64))).rejects.toThrow("0000: ENOENT");
});
