/** A run whose config names a model on the hub, with real processes: its commit is a part of what it is. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Gumshoe, ROOT } from "../support/gumshoe.js";
import { HubServer } from "../support/hub-server.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const NEWER = "b".repeat(40);
const NAME = "owner/rookie";

let gumshoe: Gumshoe;
let hub: HubServer;
beforeAll(async () => {
  [gumshoe, hub] = await Promise.all([Gumshoe.create(), HubServer.start()]);
});
afterAll(async () => {
  await Promise.all([gumshoe.close(), hub.stop()]);
});

test("a run takes its model from the hub, and keeps the commit when it is continued", async () => {
  const read = (name: string) => readFileSync(join(ROOT, "models/rookie", name));
  const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
  const files = Object.fromEntries(names.map((name) => [name, read(name)]));
  hub.repos.set(NAME, { commit: COMMIT, files });
  const config = join(gumshoe.home, "hub.yaml");
  const lines = ["type: grpo", `model: ${NAME}`, "iterations: 1"];
  const tasks = "tasks: { source: { type: generate, tier: mini, seed: 1 }, perIteration: 2 }";
  writeFileSync(
    config,
    [...lines, tasks, "rollouts: { perTask: 2, maxAnswerTokens: 8 }"].join("\n"),
  );
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(gumshoe.home, "hf") };
  const first = await gumshoe.run([config], env);
  const record = join(gumshoe.home, "runs/hub/config.json");
  expect(JSON.parse(readFileSync(record, "utf8"))).toMatchObject({ model: `${NAME}@${COMMIT}` });

  hub.repos.set(NAME, { commit: NEWER, files: { ...files, "README.md": Buffer.from("new") } });
  // What is here already needs no hub.
  const away = { ...env, HF_ENDPOINT: "http://127.0.0.1:1" };
  const again = gumshoe.start(["run", config, "--json"], away);
  expect((await again.result()).weightsDigest).toBe(first.weightsDigest);
  expect(again.err).toContain(`model ${NAME}@${COMMIT}: the commit that run hub began with`);

  hub.repos.delete(NAME);
  const lost = gumshoe.start(["run", config, "--name", "lost"], {
    ...env,
    HF_HOME: join(gumshoe.home, "empty"),
  });
  const { code, err } = await lost.ended;
  expect(code).toBe(2);
  expect(err).toContain(
    `model: there is no folder ${NAME}; on the hub, ${NAME}: is not on ${hub.url}`,
  );
}, 120_000);
