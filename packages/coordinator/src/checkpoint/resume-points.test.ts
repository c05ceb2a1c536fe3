import { expect, test } from "vitest";

import type { Durable } from "../run/run-state.js";
import { resumePoints } from "./resume-points.js";

const durable = (version: number): Durable => ({
  iteration: version,
  version,
  folder: `checkpoints/${version}`,
  digest: "",
});
const versions = (all: readonly Durable[]) => all.map(({ version }) => version);

test("the newest usable weights are kept, and the next ones", () => {
  const all = [8, 2, 4, 6].map(durable);
  expect(versions(resumePoints(all, 5))).toEqual([4, 6]);
  expect(versions(resumePoints(all, 4))).toEqual([4, 6]);
  expect(versions(resumePoints(all, 1))).toEqual([2]);
  expect(versions(resumePoints(all, Infinity))).toEqual([8]);
  expect(resumePoints([], 3)).toEqual([]);
});

test.each([1, 2, 5, 16])(
  "with staleness %i a run never goes back by more than twice that, however often weights are written",
  (staleness) => {
    let kept: Durable[] = [];
    for (let written = 1; written <= 100; written++) {
      const usable = written - staleness;
      const points = resumePoints([...kept, durable(written)], usable);
      kept = [...points.filter(({ version }) => version < written), durable(written)];
      expect(kept.length).toBeLessThanOrEqual(3);
      const first = kept.find(({ version }) => version <= usable)?.version ?? 0;
      expect(usable - first).toBeLessThanOrEqual(staleness);
    }
  },
);
