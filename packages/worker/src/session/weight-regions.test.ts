import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger } from "@gumshoe/core";
import { parseModelConfig, weightForm, writeWeights } from "@gumshoe/engine";
import { RegionDirectory } from "@gumshoe/tensors";
import { afterEach, beforeEach, expect, test } from "vitest";

import { logprobsOf, rigRun, WorkerRig } from "../../../../test/support/worker-rig.js";

let root: string;
let rig: WorkerRig;
let run: Awaited<ReturnType<typeof rigRun>>;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "regions-"));
  rig = await WorkerRig.start(root);
  run = await rigRun("one", { seed: 1 });
  rig.serve(run);
});
afterEach(async () => {
  await rig.stop();
  rmSync(root, { recursive: true, force: true });
});

function folder(): string {
  return join(root, readdirSync(root)[0] as string);
}

/** Claims that a region holds the run's weights, of which only the first `numWritten` are there. */
function publishPart(numWritten: number): void {
  const logger = createLogger("test", "silent");
  const directory = new RegionDirectory({ isShared: true, logger, root });
  const form = weightForm(parseModelConfig(JSON.parse(run.assets.modelFiles["config.json"] ?? "")));
  const region = directory.create(form.length);
  writeWeights(form, region.values, run.parameters.subarray(0, numWritten));
  directory.publish(`weights-${run.weights.digest}`, region);
}

test("weights are pulled once for the processes of a machine", async () => {
  await rig.sample("one");
  await rig.train("one");
  expect(rig.numPulls).toBe(1);
});

test("processes that want the same weights at the same time pull them once", async () => {
  await Promise.all([rig.sample("one"), rig.train("one")]);
  expect(rig.numPulls).toBe(1);
});

test("a region that was not completely written is not used, and the weights are pulled", async () => {
  const expected = logprobsOf(await rig.sample("one"));
  await rig.stop();
  rig = await WorkerRig.start(root);
  rig.serve(run);
  publishPart(run.parameters.length - 1);
  expect(logprobsOf(await rig.sample("one"))).toEqual(expected);
  expect(rig.numPulls).toBe(1);
  // Other processes find the complete region in its place.
  await rig.train("one");
  expect(rig.numPulls).toBe(1);
});

test("a pull whose process was killed is repeated by another process", async () => {
  symlinkSync("/proc/4194305/fd/9", join(folder(), `pull-${run.weights.digest}`));
  await rig.sample("one");
  expect(rig.numPulls).toBe(1);
});
