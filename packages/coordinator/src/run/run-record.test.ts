import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@gumshoe/core";
import { type RunEventOf } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { type BackgroundThread } from "../background/background-thread.js";
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
