import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import type { ValidationResult } from "@gumshoe/config";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { CorruptRecordError, UnknownCheckpointError } from "../errors.js";
import { downloadCheckpoint } from "./checkpoint-download.js";
import { MANIFEST } from "./manifest.js";
import type { RunRecord } from "../run/run-record.js";
import { findCheckpoint, storedCheckpoints } from "./stored-checkpoints.js";

const WEIGHTS = "model.safetensors";
const DIGEST = "d".repeat(64);

let home: string;
let folder: string;
let record: RunRecord;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "checkpoints-"));
  folder = join(home, "2");
  mkdirSync(folder);
  writeFileSync(join(folder, WEIGHTS), "weights");
  writeManifest({});
  const checkpoints = [{ iteration: 2, version: 4, folder, digest: DIGEST }];
  const config = { name: "small" };
  record = { config, state: { checkpoints, validations: [] } } as unknown as RunRecord;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function writeManifest(changes: Record<string, unknown>): void {
  const manifest = {
    iteration: 2,
    update: 4,
    digest: DIGEST,
    configHash: "c",
    files: { [WEIGHTS]: 7 },
    optimizer: "",
    sha256: { [WEIGHTS]: sha256("weights") },
  };
  writeFileSync(join(folder, MANIFEST), JSON.stringify({ ...manifest, ...changes }));
}

const find = () => findCheckpoint(record, "latest");

test("a whole checkpoint is found, with its files", async () => {
  const { checkpoint } = await find();
  expect(checkpoint.files.map(({ name, bytes }) => [name, bytes])).toEqual([
    [MANIFEST, readFileSync(join(folder, MANIFEST)).length],
    [WEIGHTS, 7],
  ]);
});

test.each([
  ["a negative size", { files: { [WEIGHTS]: -7 } }, `${MANIFEST}: files.${WEIGHTS}: `],
  ["a size that is no whole number", { files: { [WEIGHTS]: 0.5 } }, `files.${WEIGHTS}: `],
  ["a path that leaves the folder", { files: { "../2": 7 } }, `${MANIFEST}: files.`],
  ["a digest that is none", { sha256: { [WEIGHTS]: "x" } }, "must be a SHA-256"],
  ["other weights", { digest: "e".repeat(64) }, `names weights ${"e".repeat(64)}, the ledger says`],
  ["another size than the file", { files: { [WEIGHTS]: 8 } }, `has 7 bytes, the manifest says 8`],
])("a checkpoint whose manifest has %s is reported as damaged", async (_, changes, problem) => {
  writeManifest(changes);
  await expect(find()).rejects.toThrow(problem);
  await expect(find()).rejects.toBeInstanceOf(CorruptRecordError);
  expect(await storedCheckpoints(record)).toEqual([]);
});

test.each([
  ["the manifest is not JSON", () => writeFileSync(join(folder, MANIFEST), "{"), "is not JSON"],
  [
    "the manifest is null",
    () => writeFileSync(join(folder, MANIFEST), "null"),
    `${MANIFEST}: it: `,
  ],
  ["the manifest is gone", () => rmSync(join(folder, MANIFEST)), "cannot be read"],
  ["a file is gone", () => rmSync(join(folder, WEIGHTS)), `${WEIGHTS}: cannot be read`],
])("when %s, the checkpoint is reported as damaged", async (_, spoil, problem) => {
  spoil();
  const download = downloadCheckpoint(record, {
    run: "small",
    checkpoint: "2",
    fromByte: 0,
    withOptimizer: true,
  });
  await expect(download.next()).rejects.toThrow(problem);
  await expect(find()).rejects.toBeInstanceOf(CorruptRecordError);
});

test("a checkpoint that was dropped is reported as gone", async () => {
  rmSync(folder, { recursive: true });
  await expect(find()).rejects.toThrow("is gone: iteration 2 is not kept any more");
  await expect(find()).rejects.toBeInstanceOf(UnknownCheckpointError);
  expect(await storedCheckpoints(record)).toEqual([]);
});

describe("when the checkpoint that validated best was deleted", () => {
  const validation = (iteration: number, reward: number) => {
    return { iteration, reward, low: reward, high: reward, count: 10 };
  };

  test("the best of the checkpoints on disk takes its place, and the result names it", async () => {
    const gone = { iteration: 4, version: 8, folder: join(home, "4"), digest: DIGEST };
    record.state.checkpoints.push(gone);
    const rewards = [validation(2, 0.5), validation(4, 0.9)] as ValidationResult[];
    record.state.validations.push(...rewards);
    const { checkpoint } = await findCheckpoint(record, "best");
    expect(checkpoint).toMatchObject({ iteration: 2, best: false, reward: 0.5, insteadOf: 4 });
    await expect(findCheckpoint(record, "4")).rejects.toThrow("is gone");
    expect((await storedCheckpoints(record))[0]?.insteadOf).toBeUndefined();
  });

  test("the newest checkpoint on disk takes its place when none of them was validated", async () => {
    const gone = { iteration: 4, version: 8, folder: join(home, "4"), digest: DIGEST };
    record.state.checkpoints.push(gone);
    record.state.validations.push(validation(4, 0.9) as ValidationResult);
    const { checkpoint } = await findCheckpoint(record, "best");
    expect(checkpoint).toMatchObject({ iteration: 2, best: false, insteadOf: 4 });
  });

  test("no checkpoint takes its place when all were deleted", async () => {
    rmSync(folder, { recursive: true });
    record.state.validations.push(validation(2, 0.5) as ValidationResult);
    await expect(findCheckpoint(record, "best")).rejects.toThrow("is gone: iteration 2");
  });
});
