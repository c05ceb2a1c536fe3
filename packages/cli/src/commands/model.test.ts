/** The model commands, against a server of this machine that speaks the hub's routes. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@gumshoe/core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { HubServer } from "../../../../test/support/hub-server.js";
import { runCommandLine } from "../command-line.js";
import { makeModel } from "../model/new-model.js";

const ROOT = join(import.meta.dirname, "../../../..");
const ROOKIE = join(ROOT, "models/rookie");
const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const NAME = "owner/tiny";
const SHAPE = {
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
};

let hub: HubServer;
let folder: string;
let files: Record<string, Buffer>;
beforeAll(async () => {
  hub = await HubServer.start();
});
afterAll(() => hub.stop());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-model-"));
  const model = join(folder, "model");
  await makeModel({ out: model, tokenizer: ROOKIE, family: "llama", shape: SHAPE, seed: 1 });
  const names = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];
  const there = names.filter((name) => existsSync(join(model, name)));
  files = Object.fromEntries(there.map((name) => [name, readFileSync(join(model, name))]));
  hub.repos.clear();
  hub.repos.set(NAME, { commit: COMMIT, files });
  hub.trouble = {};
  hub.requests.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command in this process. */
async function gumshoe(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isScreen: false,
    columns: 200,
  };
  const hubEnv = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, "hf"), PATH: "" };
  const clock = { ...systemClock, sleep: async () => undefined };
  const code = await runCommandLine(words, {
    terminal,
    env: { ...hubEnv, ...env },
    clock,
    workingFolder: folder,
  });
  return { code, out, err, document: () => JSON.parse(out) as Record<string, unknown> };
}

test("pull fetches a model and says where it is and how a config names it", async () => {
  const { code, out } = await gumshoe(["model", "pull", NAME]);
  expect(code).toBe(0);
  expect(out).toContain(join(folder, "hf/hub/models--owner--tiny/snapshots", COMMIT));
  expect(out).toContain(`in a run config: model: ${NAME}@${COMMIT}`);
  const again = await gumshoe(["model", "pull", NAME, "--json"]);
  expect(again.document()).toMatchObject({ commit: COMMIT, fetchedBytes: 0 });
});

test("pull refuses what would not be understood before the weights come", async () => {
  const known = JSON.parse(String(files["config.json"])) as Record<string, unknown>;
  const config = { ...known, model_type: "mamba" };
  hub.repos.set(NAME, {
    commit: COMMIT,
    files: { ...files, "config.json": Buffer.from(JSON.stringify(config)) },
  });
  const { code, err } = await gumshoe(["model", "pull", NAME]);
  expect(code).toBe(2);
  expect(err).toMatch(
    /owner\/tiny would not be understood: .*model_type.*known are qwen2, qwen3, llama; its weights are not fetched/,
  );
  expect(hub.requests.map(({ path }) => path)).not.toContain("model.safetensors");
});

test("pull names the command that goes on when the hub stays away", async () => {
  hub.trouble = { status: 503, statusTimes: 1000 };
  const { code, err } = await gumshoe(["model", "pull", `${NAME}@main`]);
  expect(code).toBe(1);
  expect(err).toContain(
    `answers 503; what has come is kept, go on by: npx gumshoe model pull ${NAME}@main`,
  );
  expect((await gumshoe(["model", "pull", "no-owner"])).err).toContain("It must be owner/name");
});

test("info says what a model is, and what would not be understood", async () => {
  const { code, document } = await gumshoe(["model", "info", NAME, "--json"]);
  expect(code).toBe(0);
  const facts = document() as { parameters: number; weightBytes: number };
  expect(facts).toMatchObject({
    architecture: "LlamaForCausalLM",
    family: "llama",
    layers: 1,
    width: 16,
    context: 2048,
    tiedHead: true,
    dtypes: { F32: facts.parameters },
    problems: [],
  });
  expect(facts.weightBytes).toBeGreaterThan(4 * facts.parameters);
  const broken = join(folder, "broken");
  mkdirSync(broken);
  writeFileSync(
    join(broken, "config.json"),
    String(files["config.json"]).replace('"silu"', '"gelu"'),
  );
  const seen = await gumshoe(["model", "info", broken]);
  expect(seen.code).toBe(1);
  expect(seen.out).toMatch(/not understood .*hidden_act/);
  expect((await gumshoe(["model", "info", join(folder, "none")])).err).toContain(
    "there is no such folder",
  );
  // Nested so deeply that String() exceeds the call stack.
  const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
  writeFileSync(join(broken, "config.json"), `{"architectures": ${deep}}`);
  const nested = await gumshoe(["model", "info", broken]);
  expect(nested.out).toMatch(/architecture +\?/);
  expect(nested.err).not.toContain("RangeError");
});

test("init makes a model of any shape that is read back, and refuses a shape that is none", async () => {
  const out = join(folder, "new");
  const words = ["model", "init", "--tokenizer", ROOKIE, "--out", out, "--family", "qwen3"];
  const shape = Object.entries(SHAPE).map(([key, value]) => `${key}=${value}`);
  const made = await gumshoe([...words, "--shape", [...shape, "head_dim=8"].join(","), "--json"]);
  expect(made.code).toBe(0);
  const facts = (await gumshoe(["model", "info", out, "--json"])).document();
  expect(facts).toMatchObject({
    family: "qwen3",
    problems: [],
    parameters: made.document()["parameters"],
  });
  expect((await gumshoe([...words, "--shape", shape.join(",")])).err).toContain(
    "holds a model already",
  );
  const odd = words.with(5, join(folder, "odd"));
  expect((await gumshoe([...odd, "--shape", "hidden_size=16"])).err).toContain("is missing");
});

test.each([
  ["{bad", "like.json: is not JSON"],
  ["[1]", "like.json: must be a JSON object"],
])("init refuses %s as a config to be like, with one line", async (text, problem) => {
  const like = join(folder, "like.json");
  writeFileSync(like, text);
  const words = ["--tokenizer", ROOKIE, "--out", join(folder, "new"), "--like", like];
  const { code, err } = await gumshoe(["model", "init", ...words]);
  expect(code).toBe(2);
  expect(err).toContain(problem);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(existsSync(join(folder, "new"))).toBe(false);
});

test("push uploads a checkpoint with a card that states run, digest, data and rewards", async () => {
  const run = join(folder, "runs/first");
  const checkpoint = join(run, "checkpoints/4");
  await makeModel({ out: checkpoint, tokenizer: ROOKIE, family: "qwen2", shape: SHAPE, seed: 2 });
  const digest = "d".repeat(64);
  writeFileSync(join(checkpoint, "manifest.json"), JSON.stringify({ iteration: 4, digest }));
  writeFileSync(join(checkpoint, "optimizer.moments"), "not uploaded");
  const source = { type: "generate", tier: "mini", seed: 3 };
  const config = {
    name: "first",
    type: "grpo",
    seed: 5,
    model: `${NAME}@${COMMIT}`,
    tasks: { source },
  };
  writeFileSync(join(run, "config.json"), JSON.stringify(config));
  mkdirSync(join(run, "ledger"));
  const result = {
    iteration: 4,
    reward: 0.625,
    low: 0.6,
    high: 0.65,
    count: 200,
    randomGuess: 0.4,
  };
  const body = { type: "validation-done", ...result };
  writeFileSync(
    join(run, "ledger/events.jsonl"),
    `12345678 ${JSON.stringify({ n: 1, at: 1, body })}\n`,
  );
  const words = ["model", "push", checkpoint, "me/detective", "--private"];
  const refused = await gumshoe(words);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("HF_TOKEN: is not set");
  const pushed = await gumshoe([...words, "--json"], { HF_TOKEN: "hf_mine" });
  expect(pushed.code).toBe(0);
  expect(pushed.document()).toMatchObject({ name: "me/detective", commit: "1".repeat(40) });
  const card = String(hub.uploaded.get("me/detective/README.md"));
  for (const text of [
    "base_model: owner/tiny",
    "- run: first",
    `- weights digest: \`${digest}\``,
    `- started from: owner/tiny at ${COMMIT}`,
    '- data: {"type":"generate","tier":"mini","seed":3}',
    "| 4 | 0.625 | 0.600 to 0.650 | 200 |",
  ]) {
    expect(card).toContain(text);
  }
  expect([...hub.uploaded.keys()]).not.toContain("me/detective/optimizer.moments");
  expect(hub.uploaded.get("me/detective/model.safetensors")?.length).toBeGreaterThan(1000);
});
