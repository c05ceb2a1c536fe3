import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClusterError, sha256, systemClock } from "@gumshoe/core";
import { CheckpointChunk } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { downloadCheckpoint, type DownloadOptions, type DownloadProgress } from "./download.js";

const FILES = { "config.json": "{}", "empty.txt": "", "model.safetensors": "0123456789" };

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-download-"));
  out = join(folder, "deep", "checkpoint");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Yields all messages of a checkpoint, three bytes each, from a byte on. */
function* messages(fromByte: number, files: Record<string, string> = FILES) {
  const infos = Object.entries(files).map(([name, text]) => ({
    name,
    bytes: text.length,
    sha256: sha256(text),
  }));
  const about = { iteration: 4, weights: undefined, files: infos, latest: true, best: true };
  yield CheckpointChunk.create({ checkpoint: about });
  let skip = fromByte;
  for (const [file, text] of Object.entries(files)) {
    let offset = Math.min(skip, text.length);
    skip -= offset;
    for (; offset < text.length; offset += 3) {
      yield CheckpointChunk.create({
        file,
        offset,
        data: Buffer.from(text.slice(offset, offset + 3)),
      });
    }
  }
}

/** Downloads from a source that can modify a message or break off. */
function download(
  change: (chunk: CheckpointChunk, index: number) => CheckpointChunk | null,
  options: Partial<DownloadOptions> = {},
) {
  const asked: string[] = [];
  const open = async function* (which: string, fromByte: number) {
    asked.push(`${which} from ${fromByte}`);
    let index = 0;
    for (const chunk of messages(fromByte)) {
      const changed = change(chunk, index++);
      if (changed === null) throw new ClusterError("UNAVAILABLE", "broken off");
      yield changed;
    }
  };
  const done = downloadCheckpoint("first", open, { out, clock: systemClock, ...options });
  return { asked, done };
}

const same = (chunk: CheckpointChunk) => chunk;

/** Announces a file under another name. */
function withName(chunk: CheckpointChunk, name: string): CheckpointChunk {
  const { checkpoint } = chunk;
  const files = [{ name, bytes: 1, sha256: "" }];
  return checkpoint === undefined ? chunk : { ...chunk, checkpoint: { ...checkpoint, files } };
}

test("a complete checkpoint is downloaded, and progress is reported", async () => {
  const told: DownloadProgress[] = [];
  const { done } = download(same, { onProgress: (progress) => told.push(progress) });
  expect(await done).toMatchObject({ folder: out, bytes: 12, iteration: 4, isBest: true });
  for (const [name, text] of Object.entries(FILES)) {
    expect(readFileSync(join(out, name), "utf8")).toBe(text);
  }
  expect(told.map(({ receivedBytes }) => receivedBytes)).toEqual([0, 2, 5, 8, 11, 12]);
  expect(told.every(({ totalBytes }) => totalBytes === 12)).toBe(true);
  expect(readdirSync(join(folder, "deep"))).toEqual(["checkpoint"]);
});

test("a download that breaks off continues at its byte, with the same checkpoint", async () => {
  const breaks = [0, 3, 2];
  const reasons: unknown[] = [];
  const { done, asked } = download(
    (chunk, index) => {
      if (index !== breaks[0]) return chunk;
      breaks.shift();
      return null;
    },
    { onReconnect: (error) => reasons.push(error) },
  );
  await done;
  expect(asked).toEqual(["best from 0", "best from 0", "4 from 5", "4 from 8"]);
  expect(reasons).toHaveLength(3);
  expect(readFileSync(join(out, "model.safetensors"), "utf8")).toBe("0123456789");
});

test("a download fails when the coordinator stays unreachable", async () => {
  const { done } = download(() => null, { giveUpAfterMs: 300 });
  await expect(done).rejects.toMatchObject({ name: "DownloadLostError", receivedBytes: 0 });
  expect(readdirSync(join(folder, "deep"))).toEqual([]);
});

test.each<[string, string, (chunk: CheckpointChunk, index: number) => CheckpointChunk]>([
  ["a flipped bit", "has hash", (c, i) => (i === 4 ? { ...c, data: Buffer.from("6X8") } : c)],
  ["a chunk too much", "came where", (c, i) => (i === 5 ? { ...c, data: Buffer.from("99") } : c)],
  ["a chunk at a wrong place", "came where", (c, i) => (i === 3 ? { ...c, offset: 9 } : c)],
  ["a path", "no file name", (c) => withName(c, "../evil")],
  ["a hidden path", "no file name", (c) => withName(c, "..")],
  [
    "bytes before the list",
    "not announced",
    (c) => ({ ...c, checkpoint: undefined, data: Buffer.from("a") }),
  ],
])("%s is refused, and leaves nothing behind", async (_what, problem, change) => {
  const { done } = download(change);
  await expect(done).rejects.toMatchObject({ code: "DATA_LOSS" });
  await expect(done).rejects.toThrow(problem);
  expect(readdirSync(join(folder, "deep"))).toEqual([]);
  expect(existsSync(join(folder, "evil"))).toBe(false);
});

test("a checkpoint that changes between two attempts is rejected", async () => {
  let tries = 0;
  const open = async function* (_which: string, fromByte: number) {
    tries += 1;
    const files = tries === 1 ? FILES : { ...FILES, "config.json": "[]" };
    yield* [...messages(fromByte, files)].slice(0, 2);
  };
  const done = downloadCheckpoint("first", open, { out, clock: systemClock });
  await expect(done).rejects.toThrow("was written anew");
});

test("an existing folder is left unchanged, unless it is empty", async () => {
  mkdirSync(join(out, "mine"), { recursive: true });
  await expect(download(same).done).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    details: { field: "out" },
  });
  expect(readdirSync(out)).toEqual(["mine"]);
  rmSync(join(out, "mine"), { recursive: true });
  await download(same).done;
  expect(readdirSync(out)).toContain("model.safetensors");
});

test("a folder that cannot be written is an error that names it", async () => {
  writeFileSync(join(folder, "file"), "");
  const { done } = download(same, { out: join(folder, "file", "checkpoint") });
  await expect(done).rejects.toMatchObject({ name: "DownloadWriteError" });
});

test("an aborted download throws the signal's reason and leaves no files", async () => {
  const stop = new AbortController();
  const { done } = download((chunk, index) => (index === 3 ? null : chunk), {
    signal: stop.signal,
    onReconnect: () => stop.abort(new Error("enough")),
  });
  await expect(done).rejects.toThrow("enough");
  expect(readdirSync(join(folder, "deep"))).toEqual([]);
});
