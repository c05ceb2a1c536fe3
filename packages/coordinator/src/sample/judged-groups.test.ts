/** Grades of a judge, which may differ when a group is graded twice: the first ones count. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { SubmitGroupRequest } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";

const AGAIN = 0.125;

const folder = mkdtempSync(join(tmpdir(), "gumshoe-judge-"));
const module = join(folder, "judge.mjs");
let cluster: FakeCluster;
beforeAll(async () => {
  writeFileSync(
    module,
    `export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: [{ role: "user", content: "Task " + index }] }),
      gradeGroup: (task, replies) => replies.map(() => ({ reward: 1 })),
    });`,
  );
  cluster = await FakeCluster.start();
  await cluster.addWorkers({
    group: async (group, submit) => {
      await submit(group);
      const isMisjudged = group.run === "misjudged";
      return changed(group, isMisjudged ? { text: "another reply" } : { reward: AGAIN });
    },
  });
});
afterAll(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true });
});

function changed(
  group: SubmitGroupRequest,
  changes: { reward?: number; text?: string },
): SubmitGroupRequest {
  return { ...group, rollouts: group.rollouts.map((rollout) => ({ ...rollout, ...changes })) };
}

const judged = (name: string) => ({
  name,
  tasks: { source: { type: "module", module }, perIteration: 4 },
  validation: null,
});

test("a group that is graded again with other rewards keeps its first ones", async () => {
  expect((await cluster.run(judged("judged"))).iterations).toBe(3);
  const rewards = cluster.eventsOf("group-done", "judged").flatMap((event) => event.rewards);
  expect(rewards.length).toBe(48);
  expect(rewards).not.toContain(AGAIN);
});

test("a group that is sampled again with other answers still ends the run", async () => {
  await expect(cluster.run(judged("misjudged"))).rejects.toThrow(
    "was sampled twice, with different results",
  );
});
