/** `gumshoe serve` as a process, with a run whose ledger another process writes. */
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import { Tokenizer } from "@gumshoe/engine";
import OpenAI, { AuthenticationError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { Ledger } from "../../packages/coordinator/src/ledger/ledger.js";
import { Gumshoe, type Running } from "../support/gumshoe.js";
import { gumshoe as inProcess } from "../support/in-process.js";
import { ROOKIE } from "../support/rookie.js";

const DIGEST = "d".repeat(64);

let home: Gumshoe;
let ledger: Ledger;
let served: Running;
let client: OpenAI;
let url: string;

beforeAll(async () => {
  home = await Gumshoe.create();
  const folder = join(home.home, "runs/small");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "config.json"), "{}");
  const options = { folder: join(folder, "ledger"), clock: systemClock };
  ({ ledger } = await Ledger.open({ ...options, mayWrite: async () => undefined }));
  const config = parseRunConfig(
    `name: small\ntype: grpo\nmodel: ${ROOKIE}\ntasks: { source: { type: generate } }`,
  );
  await ledger.append({ type: "run-submitted", config });
  await writeCheckpoint(2, 0.5);
  const words = ["serve", "--run", "small", "--listen", "127.0.0.1:0", "--every", "0.1", "--json"];
  served = home.start(words);
  await served.until("the address", () => served.out.includes("\n"));
  const { url: base, key } = JSON.parse(served.out) as { url: string; key: string };
  url = base;
  client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
});
afterAll(async () => {
  await ledger.close();
  await home.close();
});

/** Writes a checkpoint, and records it as a coordinator does. */
async function writeCheckpoint(iteration: number, reward: number): Promise<void> {
  const folder = join(home.home, "runs/small/checkpoints", String(iteration));
  cpSync(ROOKIE, folder, { recursive: true });
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  const manifest = {
    iteration,
    update: iteration,
    digest: DIGEST,
    configHash: "c",
    files: Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size])),
    optimizer: "",
  };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const at = { iteration, version: iteration, digest: DIGEST };
  await ledger.append({ type: "checkpoint-written", ...at, folder });
  const result = { iteration, reward, low: reward, high: reward, count: 10, randomGuess: 0 };
  await ledger.append({ type: "validation-done", ...result });
}

const title = async () => (await client.models.list()).data[0] as { title?: string } | undefined;

test("the log-probs of an answer are those of gumshoe score, bit for bit", async () => {
  const messages = [{ role: "user" as const, content: "Who was in the library?" }];
  const request = { model: "small", messages, n: 2, seed: 5, max_tokens: 30, temperature: 0.7 };
  const more = { logprobs: true, return_token_ids: true };
  const answer = await client.chat.completions.create({ ...request, ...more });
  const choices = answer.choices as (OpenAI.ChatCompletion.Choice & {
    token_ids: number[];
    prompt_token_ids: number[];
  })[];
  const lines = choices.map(({ token_ids: answerIds, prompt_token_ids: promptIds }) =>
    JSON.stringify({ promptIds, answerIds }),
  );
  const data = join(home.home, "answers.jsonl");
  writeFileSync(data, lines.join("\n"));
  const words = ["score", "--model", ROOKIE, "--data", data, "--temperature", "0.7", "--json"];
  const { out } = await inProcess(home.home, ...words);
  const { scores } = JSON.parse(out) as { scores: { logprobs: number[] }[] };
  const sampled = choices.map(({ logprobs }) => logprobs?.content?.map(({ logprob }) => logprob));
  expect(sampled).toEqual(scores.map(({ logprobs }) => logprobs));
  expect(sampled.flat().length).toBeGreaterThan(10);
});

test("the log-probs of a prompt, and of the likeliest token beside each, are those of gumshoe score", async () => {
  const prompt = "A. Mr. Green\nB. Kitchen\nC. Knife";
  const request = { model: "small", prompt, echo: true, max_tokens: 0, logprobs: 1 };
  const more = { temperature: 0.7, return_token_ids: true };
  const answer = await client.completions.create({ ...request, ...more });
  const [choice] = answer.choices as (OpenAI.CompletionChoice & { token_ids: number[] })[];
  const { token_ids: ids = [], logprobs } = choice ?? {};
  const [first, ...scored] = logprobs?.token_logprobs ?? [];
  const lines = [{ promptIds: ids.slice(0, 1), answerIds: ids.slice(1) }];
  // One of the two texts beside each token is the likeliest, or there is one alone.
  const best = (logprobs?.top_logprobs ?? []).slice(1).map((top) => {
    return Object.entries(top).sort(([, a], [, b]) => b - a)[0] ?? (["", 0] as const);
  });
  const tokenizer = await Tokenizer.load(ROOKIE);
  for (const [i, [text]] of best.entries()) {
    const [id = -1, ...others] = tokenizer.encode(text);
    expect(others).toEqual([]);
    lines.push({ promptIds: ids.slice(0, i + 1), answerIds: [id] });
  }
  const data = join(home.home, "prompt.jsonl");
  writeFileSync(data, lines.map((line) => JSON.stringify(line)).join("\n"));
  const words = ["score", "--model", ROOKIE, "--data", data, "--temperature", "0.7", "--json"];
  const { out } = await inProcess(home.home, ...words);
  const { scores } = JSON.parse(out) as { scores: { logprobs: number[] }[] };
  const [given, ...alternatives] = scores.map((score) => score.logprobs);
  expect([first, scored]).toEqual([null, given]);
  expect(best.map(([, logprob]) => [logprob])).toEqual(alternatives);
  expect(scored.length).toBeGreaterThan(5);
});

test("tokens are sampled among those that top_k, top_p and min_p keep", async () => {
  const messages = [{ role: "user" as const, content: "Who was in the library?" }];
  const textOf = async (more: object) => {
    const request = { model: "small", messages, max_tokens: 24, seed: 7, ...more };
    return (await client.chat.completions.create(request)).choices[0]?.message.content;
  };
  const greedy = await textOf({ temperature: 0 });
  const sampled = await textOf({ temperature: 3 });
  expect(sampled).not.toBe(greedy);
  for (const kept of [{ top_k: 1 }, { top_p: 1e-6 }, { min_p: 1 }]) {
    expect(await textOf({ temperature: 3, ...kept })).toBe(greedy);
  }
  expect(await textOf({ temperature: 3, top_k: 0, top_p: 1, min_p: 0 })).toBe(sampled);
});

test("a better checkpoint of the run is loaded when it is recorded, and a worse one is not", async () => {
  expect((await title())?.title).toBe("run small, checkpoint 2, validation reward 0.500");
  await writeCheckpoint(4, 0.4);
  await writeCheckpoint(6, 0.7);
  await served.until("the better checkpoint", () => served.err.includes("now serving"));
  expect(served.err).not.toContain("checkpoint 4");
  expect((await title())?.title).toBe("run small, checkpoint 6, validation reward 0.700");
});

test("another key is refused, and Ctrl-C ends the server cleanly", async () => {
  const other = new OpenAI({ baseURL: url, apiKey: "guessed", maxRetries: 0 });
  await expect(other.models.list()).rejects.toThrow(AuthenticationError);
  served.child.kill("SIGINT");
  expect((await served.ended).code).toBe(0);
});
