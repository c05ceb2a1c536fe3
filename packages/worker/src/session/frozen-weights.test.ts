/** The frozen model of a run that trains an adapter: where workers take it from, and for how long they keep it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { logprobsOf, rigRun, WorkerRig } from "../../../../test/support/worker-rig.js";

const LORA = { rank: 2, alpha: 4, targets: ["q_proj", "up_proj"] } as const;
const lora = { ...LORA, targets: [...LORA.targets] };

let root: string;
let rig: WorkerRig;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "frozen-"));
  rig = await WorkerRig.start(root);
});
afterEach(async () => {
  await rig.stop();
  rmSync(root, { recursive: true, force: true });
});

test("the frozen model is pulled once for a machine, and kept when the adapter changes", async () => {
  const run = await rigRun("one", { seed: 1, lora });
  rig.serve(run);
  await rig.sample("one");
  const { report, gradient } = await rig.train("one");
  // The model and the adapter.
  expect(rig.numPulls).toBe(2);
  expect(report?.weightsDigest).toBe(run.weights.digest);
  expect(gradient).toHaveLength(run.parameters.length);
  const next = await rigRun("one", { seed: 2, lora });
  rig.serve({ ...next, weights: { ...next.weights, version: 6 } });
  const group = await rig.sample("one");
  expect(rig.numPulls).toBe(3);
  expect(group.weights).toEqual({ ...next.weights, version: 6 });
});

test("another frozen model than the run's is refused, and the right one is taken afterwards", async () => {
  const run = await rigRun("one", { seed: 1, lora });
  const base = run.base?.map((value, i) => (i === 7 ? value + 1 : value)) ?? null;
  rig.serve({ ...run, base });
  await expect(rig.sample("one")).rejects.toThrow(/base has digest \w+, expected/);
  await expect(rig.train("one")).rejects.toThrow(/base has digest \w+, expected/);
  rig.serve(run);
  const group = await rig.sample("one");
  expect(logprobsOf(group).length).toBeGreaterThan(0);
  expect(group.weights?.digest).toBe(run.weights.digest);
});

test("a run on the whole model follows, and the adapter's run again", async () => {
  const [adapted, whole] = [
    await rigRun("adapted", { seed: 1, lora }),
    await rigRun("whole", { seed: 1 }),
  ];
  rig.serve(adapted);
  rig.serve(whole);
  const before = await rig.sample("adapted");
  const plain = await rig.sample("whole");
  // A new adapter changes nothing.
  expect(logprobsOf(plain)).toEqual(logprobsOf(before));
  expect(logprobsOf(await rig.sample("adapted"))).toEqual(logprobsOf(before));
});

test("a worker that comes back finds the region that another one still maps", async () => {
  rig.serve(await rigRun("adapted", { seed: 1, lora }));
  rig.serve(await rigRun("whole", { seed: 3 }));
  await rig.sample("adapted");
  await rig.train("adapted");
  await rig.sample("whole");
  expect(rig.numPulls).toBe(3);
  await rig.sample("adapted");
  expect(rig.numPulls).toBe(3);
});
