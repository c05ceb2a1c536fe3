/** Changes of a run's inputs between two of its starts. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { createTaskSource } from "@gumshoe/puzzles";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";

let cluster: FakeCluster;
let digest: string;
const folder = mkdtempSync(join(tmpdir(), "gumshoe-inputs-"));
const file = join(folder, "cases.jsonl");

/** Writes a dataset; another seed gives other cases of the same form. */
function writeCases(seed: number): void {
  const source = createTaskSource({ type: "generate", tier: "mini", style: "dataset", seed });
  const lines = Array.from({ length: 12 }, (_, i) => {
    const { messages, solution } = source.task(i);
    return JSON.stringify({ num_clues: 1, prompt: messages[0]?.content, solution });
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
}

const changes = (name: string) => ({
  name,
  tasks: { source: { type: "dataset", file }, perIteration: 4 },
});

beforeAll(async () => {
  writeCases(1);
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  digest = (await cluster.run(changes("plain"))).weightsDigest;
});
beforeEach(() => writeCases(1));
afterAll(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

const REFUSAL = new RegExp(
  `^tasks\\.source\\.file: ${file} has changed since this run began \\(SHA-256 \\w+\\.\\.\\., it was`,
);

test("a run with an edited dataset cannot be resumed, and resumes once the file is restored", async () => {
  const name = "edited";
  await cluster.submit(changes(name));
  await cluster.untilEvents("update-done", 1, name);
  await cluster.users.cancelRun({ name });
  writeCases(2);
  await expect(cluster.submit(changes(name))).rejects.toThrow(REFUSAL);
  expect(cluster.eventsOf("run-submitted", name)).toHaveLength(1);
  writeCases(1);
  await cluster.submit(changes(name));
  expect((await cluster.result(name)).weightsDigest).toBe(digest);
});

test("a restart detects it too: the run fails with the field's name, and can be resumed later", async () => {
  const name = "restarted";
  await cluster.submit(changes(name));
  await cluster.untilEvents("update-done", 1, name);
  await cluster.endCoordinator("SIGKILL");
  const config = join(cluster.model, "tokenizer_config.json");
  const text = readFileSync(config, "utf8");
  writeFileSync(config, `${text} `);
  await cluster.startCoordinator();
  await expect(cluster.result(name)).rejects.toThrow(
    `model: ${config} has changed since this run began`,
  );
  writeFileSync(config, text);
  await cluster.submit(changes(name));
  expect((await cluster.result(name)).weightsDigest).toBe(digest);
});

test("a run of an earlier version is resumed unchecked, and its inputs are recorded", async () => {
  const name = "older";
  await cluster.submit(changes(name));
  await cluster.untilEvents("update-done", 1, name);
  await cluster.endCoordinator("SIGKILL");
  const ledger = join(cluster.runFolder(name), "ledger/events.jsonl");
  const [first = "", ...rest] = readFileSync(ledger, "utf8").split("\n");
  const line = JSON.parse(first.slice(9)) as { body: { inputs?: unknown } };
  const { inputs } = line.body;
  expect(inputs).toMatchObject({ sources: [{ field: "tasks.source.file", file }, {}] });
  delete line.body.inputs;
  const older = JSON.stringify(line);
  writeFileSync(`${ledger}.new`, [`${sha256(older).slice(0, 8)} ${older}`, ...rest].join("\n"));
  renameSync(`${ledger}.new`, ledger);
  await cluster.startCoordinator();
  expect((await cluster.result(name)).weightsDigest).toBe(digest);
  expect(cluster.eventsOf("inputs-recorded", name)).toEqual([{ type: "inputs-recorded", inputs }]);
  expect(cluster.log).toContain("the run's ledger lacks the hashes of its input files");
});
