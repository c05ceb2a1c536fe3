/**
 * Contents of a checkpoint's folder, resuming from checkpoints of earlier versions, and those that are a
 * reference.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { CompleteLaneRequest } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { FakeReducer } from "../../../../test/support/fake-workers.js";
import type { Manifest } from "./manifest.js";

let cluster: FakeCluster;
let reducer: FakeReducer;
/** Holds the lanes of this run's update back. */
let held: { run: string; update: number; until: Promise<void> } | null = null;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  const lane = async (report: CompleteLaneRequest) => {
    if (held?.run === report.run && held.update === report.update) await held.until;
    return report;
  };
  await cluster.addWorkers({ lane }, 0);
  reducer = await cluster.add(new FakeReducer(cluster.workers, "reducer-1"));
});
afterAll(() => cluster.close());

test("the model's file is the only one that an inference server would load as weights", async () => {
  const { checkpoint } = await cluster.run({ name: "served", iterations: 2 });
  const files = readdirSync(checkpoint);
  const weights = files.filter((file) => /\.(safetensors|bin|pt|pth|gguf)$/.test(file));
  expect(weights).toEqual(["model.safetensors"]);
  expect(files).toContain("optimizer.moments");
});

test("a run resumes from a checkpoint that an earlier version wrote", async () => {
  const { weightsDigest } = await cluster.run({ name: "undisturbed" });
  await cluster.submit({ name: "earlier" });
  await cluster.untilEvents("checkpoint-written", 1, "earlier");
  await cluster.endCoordinator("SIGKILL");
  const folder = join(cluster.runFolder("earlier"), "checkpoints/2");
  renameSync(join(folder, "optimizer.moments"), join(folder, "optimizer.safetensors"));
  const manifest = join(folder, "manifest.json");
  const text = readFileSync(manifest, "utf8").replaceAll(
    "optimizer.moments",
    "optimizer.safetensors",
  );
  expect(Object.keys((JSON.parse(text) as Manifest).files)).toContain("optimizer.safetensors");
  writeFileSync(manifest, text);
  await cluster.startCoordinator();
  expect((await cluster.result("earlier")).weightsDigest).toBe(weightsDigest);
  expect(cluster.eventsOf("run-resumed", "earlier")).not.toEqual([]);
  expect(cluster.log).not.toContain("is skipped");
});

const REFRESHED = {
  iterations: 5,
  loss: { klCoefficient: 0.1 },
  reference: { refreshEvery: 2 },
  checkpoint: { every: 100, keepLatest: 1, keepBest: false },
  validation: null,
};

test("a refreshed reference is a checkpoint, which is kept while it is in use", async () => {
  reducer.references.length = 0;
  await cluster.run({ name: "refreshed", ...REFRESHED });
  const folder = join(cluster.runFolder("refreshed"), "checkpoints");
  expect(reducer.references).toEqual([
    { version: 0, folder: cluster.model },
    { version: 4, folder: join(folder, "2") },
    { version: 8, folder: join(folder, "4") },
  ]);
  expect(cluster.eventsOf("checkpoint-written", "refreshed").map((one) => one.iteration)).toEqual([
    2, 4, 5,
  ]);
  // The last iteration had checkpoint 4 as its reference.
  expect(readdirSync(folder).sort()).toEqual(["4", "5"]);
});

test("a reference whose checkpoint is damaged is computed again, and the run ends with the same weights", async () => {
  const config = { ...REFRESHED, checkpoint: { ...REFRESHED.checkpoint, every: 1 } };
  const { weightsDigest } = await cluster.run({ name: "intact", ...config });
  let release: () => void = () => undefined;
  held = { run: "damaged", update: 6, until: new Promise((resolve) => (release = resolve)) };
  await cluster.submit({ name: "damaged", ...config });
  await cluster.untilEvents("iteration-sampled", 4, "damaged");
  await cluster.endCoordinator("SIGKILL");
  const folder = join(cluster.runFolder("damaged"), "checkpoints");
  expect(readdirSync(folder).sort()).toEqual(["2", "3"]);
  const file = join(folder, "2/model.safetensors");
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 2) ^ 1, bytes.length - 2);
  writeFileSync(file, bytes);
  held = null;
  release();
  await cluster.startCoordinator();
  expect((await cluster.result("damaged")).weightsDigest).toBe(weightsDigest);
  expect(cluster.log).toContain("checkpoints/2 holds weights");
}, 60_000);
