/** A run that makes its model worse: its messages, and which weights count as best. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { GumshoeClient } from "@gumshoe/client";
import { parseGroupKey, type SubmitGroupRequest } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster, TOKEN } from "../support/fake-cluster.js";

/** A cluster whose validation answers are all wrong after the first validation. */
let falling: FakeCluster;
beforeAll(async () => {
  falling = await FakeCluster.start();
  await falling.addWorkers({ group: (group) => Promise.resolve(worse(group)) });
});
afterAll(() => falling.close());

function worse(group: SubmitGroupRequest): SubmitGroupRequest {
  const { kind, iteration } = parseGroupKey(group.groupKey);
  if (kind === "train") return group;
  const reward = iteration === 0 ? 1 : 0;
  return { ...group, rollouts: group.rollouts.map((rollout) => ({ ...rollout, reward })) };
}

test("the initial model can be the best one, and is then downloaded; the messages report the decline", async () => {
  const validation = {
    source: { type: "generate", tier: "mini", seed: 2 },
    count: 40,
    greedy: false,
    every: 2,
  };
  const stopWhen = { validationDrop: 0.5, action: "rollback" };
  const name = "falls";
  const result = await falling.run({ name, validation, stopWhen, iterations: 4 });
  const { model } = falling;
  const start = falling.eventsOf("run-started", name)[0]?.weights.digest;
  expect(result).toMatchObject({ weightsDigest: start, checkpoint: model });
  expect(result.iterations).toBeLessThan(4);
  expect(falling.eventsOf("warning", name)).toMatchObject([
    {
      code: "validation-below-start",
      message: expect.stringContaining("validation fell from 1.000 to 0.000") as string,
    },
  ]);
  expect(falling.log).toContain("validation fell from 1.000 to 0.000");

  const client = new GumshoeClient({ address: falling.address, token: TOKEN });
  try {
    const out = join(falling.home, "best");
    const best = await client.download(name, { out });
    expect(best).toMatchObject({ iteration: 0, isBest: true, reward: 1 });
    const files = readdirSync(out);
    expect(files).toContain("model.safetensors");
    for (const file of files) {
      expect(readFileSync(join(out, file)).equals(readFileSync(join(model, file)))).toBe(true);
    }
    const { warnings } = await client.get(name);
    expect(warnings).toMatchObject([expect.stringContaining("the start was better")]);
    expect((await client.checkpoints(name)).some(({ isBest }) => isBest)).toBe(false);
  } finally {
    client.close();
  }
});
