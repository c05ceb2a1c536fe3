import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { HubServer } from "../../../../test/support/hub-server.js";
import { locatedConfig } from "../hub/settle-config.js";
import { settleModel, type SettleOptions } from "./hub-config.js";
import { makeModel } from "./new-model.js";

const ROOKIE = join(import.meta.dirname, "../../../../models/rookie");
const OLD = "a".repeat(40);
const NEW = "b".repeat(40);
const NAME = "owner/tiny";
const HERE: SettleOptions = { known: null, isHere: true, again: "gumshoe run x" };

let hub: HubServer;
let folder: string;
let files: Record<string, Buffer>;
let said: string;
beforeAll(async () => {
  hub = await HubServer.start();
  folder = mkdtempSync(join(tmpdir(), "gumshoe-settle-"));
  const model = join(folder, "model");
  const shape = {
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
  };
  await makeModel({ out: model, tokenizer: ROOKIE, family: "llama", shape, seed: 1 });
  files = Object.fromEntries(
    readdirSync(model).map((name) => [name, readFileSync(join(model, name))]),
  );
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  said = "";
  hub.repos.set(NAME, { commit: OLD, files });
  rmSync(join(folder, "hf"), { recursive: true, force: true });
});

function context(env: NodeJS.ProcessEnv = {}) {
  const err = (text: string) => void (said += text);
  return {
    terminal: { out: err, err, isScreen: false, columns: 80 },
    env: { HF_ENDPOINT: hub.url, HF_HOME: join(folder, "hf"), PATH: "", ...env },
    clock: { ...systemClock, sleep: async () => undefined },
    workingFolder: folder,
  };
}

const config = (model: string) =>
  parseRunConfig(
    `{ name: x, type: grpo, model: "${model}", tasks: { source: { type: generate, tier: mini } } }`,
  );
const settle = async (
  model: string,
  options: Partial<SettleOptions> = {},
  env: NodeJS.ProcessEnv = {},
) => (await settleModel(config(model), { ...HERE, ...options }, context(env))).model;

test("a name becomes name and commit, and the model is here then", async () => {
  expect(await settle(NAME)).toBe(`${NAME}@${OLD}`);
  const located = locatedConfig(config(`${NAME}@${OLD}`), context().env).model;
  expect(readdirSync(located)).toContain("model.safetensors");
  expect(await settle("/a/folder")).toBe("/a/folder");
});

test("a run that is continued keeps its commit; a new one, and one that names another model, do not", async () => {
  hub.repos.set(NAME, { commit: NEW, files });
  expect(await settle(NAME, { isHere: false, known: `${NAME}@${OLD}` })).toBe(`${NAME}@${OLD}`);
  expect(said).toContain(`model ${NAME}@${OLD}: the commit that run x began with`);
  expect(await settle(NAME, { isHere: false, known: `owner/other@${OLD}` })).toBe(`${NAME}@${NEW}`);
  expect(await settle(`${NAME}@${NEW}`, { isHere: false, known: `${NAME}@${OLD}` })).toBe(
    `${NAME}@${NEW}`,
  );
});

test("without the hub, the newest model that was fetched is used, and said", async () => {
  const away = { HF_ENDPOINT: "http://127.0.0.1:1" };
  await expect(settle(NAME, {}, away)).rejects.toThrow(
    /^model: there is no folder owner\/tiny; on the hub, http:.* cannot be reached: .*go on by: gumshoe run x$/,
  );
  await settle(NAME);
  expect(await settle(NAME, {}, away)).toBe(`${NAME}@${OLD}`);
  expect(said).toContain(
    `the hub cannot be reached; ${NAME}@${OLD} is used, which was fetched before`,
  );
});
