import {
  appendFileSync,
  copyFileSync,
  cpSync,
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

import type { RunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import type { RunEventOf } from "@gumshoe/protocol";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { BackgroundThread } from "../background/background-thread.js";
import { metricsLines } from "./metrics-file.js";
import { nextStep } from "./next-step.js";
import { RunRecord } from "./run-record.js";

/**
 * A ledger of version 0.1.0: two tasks an iteration, three iterations, validation and checkpoints.
 */
const GOLDEN = new URL("../../../../test/ledgers/events-0.1.0.jsonl", import.meta.url);
const DIGEST = "28065d81919475911c6dcff1f201b06035c0733fe1950aaf47240d19a6b19f5d";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "record-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const context = {
  clock: systemClock,
  mayWrite: () => Promise.resolve(),
  // This test writes no blobs and hashes no files.
  background: null as unknown as BackgroundThread,
};

test("a ledger of an earlier version opens with its whole content", async () => {
  mkdirSync(join(folder, "ledger"));
  const file = join(folder, "ledger", "events.jsonl");
  copyFileSync(GOLDEN, file);
  const record = (await RunRecord.open(folder, context)) as RunRecord;
  const { config, state } = record;
  expect(state).toMatchObject({
    status: "done",
    iterationsDone: 3,
    inputs: null,
    unscoredReason: null,
    result: { weightsDigest: DIGEST, updates: 3 },
  });
  expect(state.digests.at(-1)).toBe(DIGEST);
  expect(state.groups.size).toBe(18);
  expect(nextStep(config, state)).toEqual({ type: "finish", because: "iterations" });
  const lines = metricsLines(record).map((line) => JSON.parse(line) as Record<string, number>);
  expect(lines).toMatchObject([0, 1, 2].map((iteration) => ({ iteration, updates: 1 })));
  expect(lines[2]).toMatchObject({ finalValidationReward: 0.29166666666666663 });
  await record.close();
  expect(readFileSync(file).equals(readFileSync(GOLDEN))).toBe(true);
});

test("a record is not created in a folder that holds a run, or the remains of one", async () => {
  mkdirSync(join(folder, "ledger"));
  copyFileSync(GOLDEN, join(folder, "ledger", "events.jsonl"));
  const open = (await RunRecord.open(folder, context)) as RunRecord;
  const { config } = open;
  const inputs = { model: null, sources: [] } as never;
  const make = () => RunRecord.create(folder, { config, inputs }, context);
  await expect(make()).rejects.toThrow("its ledger is open already");
  const other = mkdtempSync(join(tmpdir(), "record-"));
  cpSync(folder, other, { recursive: true });
  const again = () => RunRecord.create(other, { config, inputs }, context);
  await expect(again()).rejects.toThrow(`${other}: it holds a run already`);
  expect(readFileSync(join(other, "ledger/events.jsonl")).equals(readFileSync(GOLDEN))).toBe(true);
  rmSync(join(other, "ledger"), { recursive: true });
  writeFileSync(join(other, "blobs", "a-blob"), "");
  await expect(again()).rejects.toThrow(`${other}: it has blobs and no ledger`);
  rmSync(other, { recursive: true });
  await open.close();
});

describe("a run whose first event cannot be recorded", () => {
  const files = (runFolder: string) =>
    existsSync(runFolder) ? readdirSync(runFolder, { recursive: true }) : null;
  const create = (runFolder: string, mayWrite: () => Promise<void>) => {
    const first = readFileSync(GOLDEN, "utf8").split("\n")[0] ?? "";
    const { body } = JSON.parse(first.slice(9)) as { body: RunEventOf<"run-submitted"> };
    const content = { config: body.config as RunConfig, inputs: { model: [], sources: [] } };
    return RunRecord.create(runFolder, content, { ...context, mayWrite });
  };
  const away = () => Promise.reject(new Error("the fence is lost"));

  test("leaves no folder, and its name can be submitted again", async () => {
    const runFolder = join(folder, "refused");
    await expect(create(runFolder, away)).rejects.toThrow("the fence is lost");
    expect(files(runFolder)).toBeNull();
    const record = await create(runFolder, context.mayWrite);
    expect(record.state.status).toBe("queued");
    await record.close();
  });

  test("leaves none when its line was written, but not durably", async () => {
    const runFolder = join(folder, "refused");
    const line = readFileSync(GOLDEN, "utf8").split("\n")[0] ?? "";
    const torn = () => {
      appendFileSync(join(runFolder, "ledger", "events.jsonl"), `${line}\n`);
      return away();
    };
    await expect(create(runFolder, torn)).rejects.toThrow("the fence is lost");
    expect(files(runFolder)).toBeNull();
    expect(await RunRecord.open(folder, context)).toBeNull();
  });

  test("leaves none when its ledger cannot be created", async () => {
    const runFolder = join(folder, "x".repeat(256));
    await expect(create(runFolder, context.mayWrite)).rejects.toThrow("ENAMETOOLONG");
    mkdirSync(join(folder, "half", "ledger", "events.jsonl"), { recursive: true });
    await expect(create(join(folder, "half"), context.mayWrite)).rejects.toThrow("EISDIR");
    expect(files(join(folder, "half"))).toEqual(["ledger", "ledger/events.jsonl"]);
    mkdirSync(join(folder, "other"));
    writeFileSync(join(folder, "other", "ledger"), "");
    await expect(create(join(folder, "other"), context.mayWrite)).rejects.toThrow("EEXIST");
    expect(files(join(folder, "other"))).toEqual(["ledger"]);
  });

  test("leaves what others have put into the folder", async () => {
    const runFolder = join(folder, "noted");
    mkdirSync(runFolder);
    writeFileSync(join(runFolder, "notes.txt"), "mine");
    await expect(create(runFolder, away)).rejects.toThrow("the fence is lost");
    expect(files(runFolder)).toEqual(["notes.txt"]);
  });
});

test("a group that arrives while the run is cancelled is not recorded after its end", async () => {
  mkdirSync(join(folder, "ledger"));
  const lines = readFileSync(GOLDEN, "utf8").split("\n");
  const first = lines.findIndex((line) => line.includes('"group-done"'));
  writeFileSync(join(folder, "ledger", "events.jsonl"), `${lines.slice(0, first).join("\n")}\n`);
  const record = (await RunRecord.open(folder, context)) as RunRecord;
  const late = JSON.parse((lines[first] ?? "").slice(9)) as { body: RunEventOf<"group-done"> };
  const ending = record.end({ type: "run-cancelled" });
  await expect(record.append(late.body)).rejects.toThrow("after its end");
  await ending;
  const { lastNumber } = record.events;
  expect(record.events.at(lastNumber)?.body.type).toBe("run-cancelled");
  await record.append({ type: "run-submitted", config: record.config });
  await record.append(late.body);
  expect(record.state.groups.size).toBe(1);
  await record.close();
});
