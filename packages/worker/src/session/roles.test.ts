import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  logprobsOf,
  POINTS,
  type RigRun,
  rigRun,
  WorkerRig,
} from "../../../../test/support/worker-rig.js";

let rig: WorkerRig;
beforeEach(async () => {
  rig = await WorkerRig.start();
});
afterEach(() => rig.stop());

/** Runs a job of one role and returns its numbers. */
const ROLES = {
  inference: async (run: string, signal?: AbortSignal) => logprobsOf(await rig.sample(run, signal)),
  trainer: async (run: string, signal?: AbortSignal) => [
    ...((await rig.train(run, signal)).gradient ?? []),
  ],
} as const;

/** Results of a run's job on a new worker. */
async function fresh(role: keyof typeof ROLES, run: RigRun): Promise<number[]> {
  const used = rig;
  rig = await WorkerRig.start();
  rig.serve(run);
  const numbers = await ROLES[role](run.name);
  await rig.stop();
  rig = used;
  return numbers;
}

const WAYS = {
  cancelled: (controller: AbortController) => controller.abort(new Error("cancelled")),
  failed: () => {
    throw new Error("failed on purpose");
  },
} as const;

describe.each(["inference", "trainer"] as const)("a job of the %s role", (role) => {
  const cases = POINTS.flatMap((point) =>
    (["cancelled", "failed"] as const).map((way) => [way, point] as const),
  );

  test("that is cancelled or fails anywhere leaves no state for the next run", async () => {
    const [one, other] = [await rigRun("one", { seed: 1 }), await rigRun("other", { seed: 2 })];
    const expected = { one: await fresh(role, one), other: await fresh(role, other) };
    expect(expected.one).not.toEqual(expected.other);
    rig.serve(one);
    rig.serve(other);
    for (const [way, point] of cases) {
      const controller = new AbortController();
      let disturbed = false;
      rig.disturbOnce(point, () => {
        disturbed = true;
        WAYS[way](controller);
      });
      const job = ROLES[role]("one", controller.signal);
      const outcome = await job.then(
        () => "done",
        () => "ended",
      );
      expect(disturbed, `${way} at ${point}: the job came there`).toBe(true);
      // A group that is already submitted can no longer be cancelled.
      if (point !== "hand-in") expect(outcome, `${way} at ${point}`).toBe("ended");
      const where = `after ${role} was ${way} at ${point}`;
      expect(await ROLES[role]("other"), where).toEqual(expected.other);
      expect(await ROLES[role]("one"), where).toEqual(expected.one);
      expect(await ROLES[role]("other"), where).toEqual(expected.other);
      // The next round starts without any cached state.
      rig.serve({ ...one, assets: withNote(one, `${way} ${point}`) });
    }
  });

  test("of a run whose name another run had before uses nothing of that run", async () => {
    const before = await rigRun("same", { seed: 1 });
    rig.serve(before);
    await ROLES[role]("same");
    for (const more of [{ seed: 2 }, { seed: 1, hiddenSize: 64 }, { seed: 3 }]) {
      const run = await rigRun("same", more);
      rig.serve(run);
      expect(await ROLES[role]("same")).toEqual(await fresh(role, run));
    }
  });

  test("reports the digest of the weights that the engine holds", async () => {
    const run = await rigRun("one", { seed: 1 });
    rig.serve(run);
    if (role === "inference") {
      expect((await rig.sample("one")).weights).toEqual(run.weights);
    } else {
      expect((await rig.train("one")).report?.weightsDigest).toBe(run.weights.digest);
    }
  });

  test("is refused when the pulled weights are not those that it names", async () => {
    const run = await rigRun("one", { seed: 1 });
    const parameters = run.parameters.map((value, i) => (i === 7 ? value + 1 : value));
    rig.serve({ ...run, parameters });
    await expect(ROLES[role]("one")).rejects.toThrow(/weights\/5 has digest \w+, expected/);
    rig.serve(run);
    expect(await ROLES[role]("one")).toEqual(await fresh(role, run));
  });
});

test("jobs of two concurrent runs each get their own weights, whatever is cancelled", async () => {
  const runs = [await rigRun("one", { seed: 1 }), await rigRun("other", { seed: 2 })];
  const expected = new Map<string, number[]>();
  for (const run of runs) expected.set(run.name, await fresh("inference", run));
  for (const run of runs) rig.serve(run);
  const jobs = Array.from({ length: 16 }, async (_, index) => {
    const run = index % 2 === 0 ? "one" : "other";
    const controller = new AbortController();
    const isCancelled = index % 4 >= 2;
    if (isCancelled) setTimeout(() => controller.abort(new Error("cancelled")), 2 * index);
    try {
      return { run, numbers: logprobsOf(await rig.sample(run, controller.signal)) };
    } catch (error) {
      if (!isCancelled) throw error;
      return null;
    }
  });
  const done = (await Promise.all(jobs)).filter((one) => one !== null);
  expect(done.length).toBeGreaterThanOrEqual(8);
  for (const { run, numbers } of done) expect(numbers).toEqual(expected.get(run));
});

/** The same run with another text file added, so that the digest of its assets changes. */
function withNote({ assets }: RigRun, note: string): RigRun["assets"] {
  return { ...assets, modelFiles: { ...assets.modelFiles, "note.txt": note } };
}
