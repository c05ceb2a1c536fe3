/** Contents of a checkpoint's folder, and resuming from checkpoints of earlier versions. */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { type Manifest } from "./manifest.js";

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
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
