/**
 * Log-probs of prompts, and alternatives to tokens, over HTTP. The numbers are compared with those of the scorer behind `gumshoe
 * score`, which computes them by itself.
 */
import { openModelFolder, Scorer } from "@gumshoe/engine";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import {
  loadAdapted,
  type ModelServer,
  type SamplerThread,
  type ServedModel,
} from "@gumshoe/serve";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ROOKIE } from "../../../../test/support/rookie.js";
import { KEY, loadRookie, makeServer, MODEL_NAME } from "../../../../test/support/rookie-server.js";

const TEXT = "A. Mr. Green\nB. Kitchen\nC. Knife";
const MESSAGES = [{ role: "user" as const, content: "Who was in the library?" }];

let thread: SamplerThread;
let model: ServedModel;
let server: ModelServer;
let url: string;
let client: OpenAI;
let device: Device;
let scorer: Scorer;
let vocabulary: number;

beforeAll(async () => {
  ({ thread, model } = await loadRookie());
  server = makeServer(model);
  url = `http://${await server.listen("127.0.0.1:0")}/v1`;
  client = new OpenAI({ baseURL: url, apiKey: KEY, maxRetries: 0 });
  device = createCpuDevice({ threads: 1 });
  const source = await openModelFolder(ROOKIE);
  scorer = new Scorer(await loadAdapted(device, source, null));
  vocabulary = source.config.vocabularySize;
  await source.close();
});
afterAll(async () => {
  await server.stop(0);
  await thread.stop();
  device.dispose();
});

/** Log-probs of answers to one prompt, as `gumshoe score` computes them. */
function score(prompt: readonly number[], answers: readonly (readonly number[])[], t = 1) {
  const pack = {
    groupKey: "test",
    promptTokens: Int32Array.from(prompt),
    answers: answers.map((ids, rollout) => ({
      rollout,
      tokens: Int32Array.from(ids),
      logprobs: new Float32Array(0),
      advantage: 0,
      weight: 1,
    })),
  };
  return [...scorer.score(pack, { temperature: t }).logprobs];
}

const scorePrompt = (ids: readonly number[], t = 1) => [
  null,
  ...score(ids.slice(0, 1), [ids.slice(1)], t),
];

/** The log-probs of the likeliest tokens after some others. */
function likeliest(before: readonly number[], count: number, t = 1): number[] {
  const all = score(
    before,
    Array.from({ length: vocabulary }, (_, id) => [id]),
    t,
  );
  return all.sort((a, b) => b - a).slice(0, count);
}

const encode = (text: string) => model.tokenizer.encode(text);

const complete = (more: Partial<OpenAI.CompletionCreateParamsNonStreaming>) =>
  client.completions.create({
    model: MODEL_NAME,
    prompt: TEXT,
    echo: true,
    max_tokens: 0,
    logprobs: 1,
    seed: 3,
    ...more,
  });

const post = (path: string, body: object) =>
  fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: "Bearer the-key", "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("echo", () => {
  test.each([0, 1, 0.7])("has the prompt's log-probs bit for bit, at temperature %d", async (t) => {
    const ids = encode(TEXT);
    const answer = await complete({ temperature: t });
    const [choice] = answer.choices;
    const { token_logprobs: logprobs, tokens, text_offset: offsets } = choice?.logprobs ?? {};
    expect(logprobs).toEqual(scorePrompt(ids, t === 0 ? 1 : t));
    expect([choice?.text, choice?.finish_reason]).toEqual([TEXT, "length"]);
    expect(tokens?.join("")).toBe(TEXT);
    const texts = offsets?.map((offset, i) => TEXT.slice(offset, offsets[i + 1]));
    expect(texts).toEqual(tokens);
    expect(answer.usage).toEqual({
      prompt_tokens: ids.length,
      // A prompt that is scored is read, whatever came before.
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens: 0,
      total_tokens: ids.length,
    });
  });

  test("is what lm-evaluation-harness reads: the likelihood of a choice, and whether it is greedy", async () => {
    const context = encode("A. Mr. Green\nB.");
    const greedy = await complete({
      prompt: context,
      echo: false,
      max_tokens: 3,
      temperature: 0,
      logprobs: 0,
    });
    const texts = greedy.choices[0]?.logprobs?.tokens ?? [];
    const likely = [...context, ...encode(texts.join(""))];
    const unlikely = [...context, ...encode(" Knife Knife")];
    const answer = await complete({
      prompt: [likely, unlikely],
      max_tokens: 1,
      temperature: 0,
    });
    const outcomes = answer.choices.map(({ logprobs }, i) => {
      const given = [likely, unlikely][i] ?? [];
      const chosen = logprobs?.token_logprobs?.slice(context.length, -1) ?? [];
      expect(logprobs?.token_logprobs).toHaveLength(given.length + 1);
      expect(chosen).toEqual(score(context, [given.slice(context.length)]));
      const top = logprobs?.top_logprobs?.slice(context.length, -1) ?? [];
      return chosen.every((value, at) => value === Math.max(...Object.values(top[at] ?? {})));
    });
    expect(outcomes).toEqual([true, false]);
  });

  test("takes texts and token ids, several at a time, with several answers each", async () => {
    const prompts = [TEXT, "B.", "Mrs. Peacock was in the library."];
    const texts = await complete({ prompt: prompts, n: 2, max_tokens: 5 });
    const ids = await complete({ prompt: prompts.map(encode), n: 2, max_tokens: 5 });
    expect(ids.choices).toEqual(texts.choices);
    for (const [index, { text, logprobs }] of texts.choices.entries()) {
      const prompt = prompts[Math.floor(index / 2)] ?? "";
      const given = encode(prompt);
      expect(text.startsWith(prompt)).toBe(true);
      expect(logprobs?.token_logprobs?.slice(0, given.length)).toEqual(scorePrompt(given));
      const alone = await complete({ prompt, n: 2, max_tokens: 5 });
      expect(alone.choices[index % 2]).toEqual({ ...texts.choices[index], index: index % 2 });
    }
  });

  test("changes no sampled token, and stop strings are searched in the answer only", async () => {
    const plain = await complete({ echo: false, max_tokens: 12, stop: "\nB." });
    const echoed = await complete({ max_tokens: 12, stop: "\nB." });
    const [one, both] = [plain.choices[0], echoed.choices[0]];
    const numGiven = encode(TEXT).length;
    expect(both?.text).toBe(TEXT + (one?.text ?? ""));
    expect(both?.logprobs?.tokens?.slice(numGiven)).toEqual(one?.logprobs?.tokens);
    expect(both?.logprobs?.token_logprobs?.slice(numGiven)).toEqual(one?.logprobs?.token_logprobs);
    expect(both?.logprobs?.top_logprobs?.slice(numGiven)).toEqual(one?.logprobs?.top_logprobs);
    expect(echoed.usage).toEqual(plain.usage);
  });

  test("of a prompt of one token has no log-prob", async () => {
    const [id = 0] = encode("A");
    const answer = await complete({ prompt: [id] });
    expect(answer.choices[0]).toMatchObject({
      text: "A",
      logprobs: { tokens: ["A"], token_logprobs: [null], top_logprobs: [null], text_offset: [0] },
    });
  });

  test("without log-probs is the text alone", async () => {
    const answer = await complete({ logprobs: null, n: 2 });
    expect(answer.choices.map(({ text, logprobs }) => [text, logprobs])).toEqual([
      [TEXT, null],
      [TEXT, null],
    ]);
    const none = await complete({ logprobs: 0 });
    expect(none.choices[0]?.logprobs?.top_logprobs).toBe(null);
    expect(none.choices[0]?.logprobs?.token_logprobs).toEqual(scorePrompt(encode(TEXT)));
  });

  test.each([0, 6])("of a stream comes first, with %d tokens after it", async (maxTokens) => {
    const asked = {
      model: MODEL_NAME,
      prompt: [TEXT, "B."],
      echo: true,
      logprobs: 2,
      n: 2,
      seed: 3,
    };
    const whole = await complete({ ...asked, max_tokens: maxTokens });
    const stream = await client.completions.create({
      ...asked,
      max_tokens: maxTokens,
      stream: true,
    });
    const joined = whole.choices.map(() => ({
      text: "",
      logprobs: [] as unknown[],
      finishes: [] as string[],
    }));
    for await (const { choices } of stream) {
      for (const { index, text, logprobs, finish_reason: finish } of choices) {
        const one = joined[index];
        if (one === undefined) throw new Error("there is no such answer");
        one.text += text;
        one.logprobs.push(...(logprobs?.token_logprobs ?? []));
        if ((finish as string | null) !== null) one.finishes.push(finish);
      }
    }
    expect(joined).toEqual(
      whole.choices.map(({ text, logprobs, finish_reason: finish }) => {
        return { text, logprobs: logprobs?.token_logprobs, finishes: [finish] };
      }),
    );
  });
});

describe("alternatives", () => {
  test.each([0, 1, 0.7])("of chat are the likeliest tokens, at temperature %d", async (t) => {
    const asked = {
      model: MODEL_NAME,
      messages: MESSAGES,
      seed: 5,
      n: 2,
      max_tokens: 6,
      temperature: t,
      logprobs: true,
      top_logprobs: 20,
    };
    const ids = { return_token_ids: true };
    const answer = await client.chat.completions.create({ ...asked, ...ids });
    const choices = answer.choices as (OpenAI.ChatCompletion.Choice & {
      token_ids: number[];
      prompt_token_ids: number[];
    })[];
    for (const { logprobs, token_ids: sampled, prompt_token_ids: prompt } of choices) {
      for (const [i, { token, logprob, top_logprobs: top }] of (
        logprobs?.content ?? []
      ).entries()) {
        const before = [...prompt, ...sampled.slice(0, i)];
        expect(top.map((one) => one.logprob)).toEqual(likeliest(before, 20, t === 0 ? 1 : t));
        if (t === 0) expect(top[0]).toMatchObject({ token, logprob });
      }
    }
  });

  test("are those that top_k, top_p and min_p keep", async () => {
    const ask = async (more: object) => {
      const answer = await client.chat.completions.create({
        model: MODEL_NAME,
        messages: MESSAGES,
        seed: 5,
        max_tokens: 8,
        logprobs: true,
        top_logprobs: 20,
        ...more,
      });
      return answer.choices[0]?.logprobs?.content ?? [];
    };
    for (const { token, logprob, top_logprobs: top } of await ask({ top_k: 3 })) {
      expect(top).toHaveLength(3);
      expect(top.reduce((sum, one) => sum + Math.exp(one.logprob), 0)).toBeCloseTo(1, 5);
      expect(top.find((one) => one.token === token)?.logprob).toBe(logprob);
    }
    for (const { top_logprobs: top } of await ask({ min_p: 1 })) expect(top[0]?.logprob).toBe(0);
  });

  test("of a stream are those of the whole answer", async () => {
    const asked = {
      model: MODEL_NAME,
      messages: MESSAGES,
      seed: 4,
      max_tokens: 20,
      n: 2,
      logprobs: true,
      top_logprobs: 4,
    };
    const whole = await client.chat.completions.create(asked);
    const streamed: unknown[][] = [[], []];
    for await (const { choices } of await client.chat.completions.create({
      ...asked,
      stream: true,
    })) {
      for (const { index, logprobs } of choices)
        streamed[index]?.push(...(logprobs?.content ?? []));
    }
    expect(streamed).toEqual(whole.choices.map(({ logprobs }) => logprobs?.content));
  });

  test("of completions are by text, with the sampled token among them", async () => {
    const answer = await complete({ echo: false, max_tokens: 24, logprobs: 5, temperature: 1.5 });
    const {
      tokens = [],
      token_logprobs: own,
      top_logprobs: top,
    } = answer.choices[0]?.logprobs ?? {};
    for (const [i, token] of tokens.entries()) {
      const byText = top?.[i] ?? {};
      expect(byText[token]).toBe(own?.[i]);
      const better = Object.values(byText).filter((value) => value > (own?.[i] ?? 0));
      expect(Object.keys(byText)).toHaveLength(better.length < 5 ? 5 : 6);
    }
    expect(tokens.length).toBeGreaterThan(5);
  });
});

test("an answer that has ended says so once, while others go on", async () => {
  const asked = {
    model: MODEL_NAME,
    messages: MESSAGES,
    n: 4,
    max_tokens: 40,
    seed: 7,
    stop: "\nB.",
  };
  const finishes = [0, 0, 0, 0];
  for await (const { choices } of await client.chat.completions.create({
    ...asked,
    stream: true,
  })) {
    for (const { index, finish_reason: finish } of choices) {
      if (finish !== null) finishes[index] = (finishes[index] ?? 0) + 1;
    }
  }
  expect(finishes).toEqual([1, 1, 1, 1]);
});

describe("refusals", () => {
  const long = Array.from({ length: 1024 }, () => 5);
  test.each<[string, object, string]>([
    ["a negative number of alternatives", { logprobs: -1 }, "logprobs"],
    ["too many alternatives", { logprobs: 21 }, "logprobs"],
    ["alternatives that are no number", { logprobs: true }, "logprobs"],
    ["an echo that is no boolean", { echo: 1 }, "echo"],
    ["no token without an echo", { max_tokens: 0, echo: false }, "max_tokens"],
    ["a negative number of tokens", { max_tokens: -1 }, "max_tokens"],
    ["a minimum where there is no answer", { max_tokens: 0, min_tokens: 1 }, "min_tokens"],
    ["a prompt as long as the positions", { prompt: long }, "prompt"],
    ["an answer behind the positions", { prompt: long.slice(4), max_tokens: 5 }, "max_tokens"],
    [
      "an id outside the vocabulary",
      {
        prompt: [
          [1, 2],
          [1, 70_000],
        ],
      },
      "prompt[1]",
    ],
    [
      "more alternatives than a response may have",
      { prompt: Array.from({ length: 60 }, () => long.slice(1)), logprobs: 20 },
      "logprobs",
    ],
  ])("of %s name the field", async (_, changes, param) => {
    const body = { prompt: "A", echo: true, max_tokens: 0, logprobs: 1, ...changes };
    const response = await post("/completions", body);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect([response.status, error["param"], String(error["message"])]).toEqual([
      400,
      param,
      expect.stringMatching(/\w/),
    ]);
  });

  test("of alternatives in chat name the field", async () => {
    const body = { messages: MESSAGES, top_logprobs: 2 };
    const { error } = (await (await post("/chat/completions", body)).json()) as {
      error: Record<string, unknown>;
    };
    expect([error["param"], error["message"]]).toEqual([
      "top_logprobs",
      "top_logprobs: needs logprobs: true",
    ]);
  });

  test("leave the longest prompt that fits", async () => {
    const ids = long.slice(1);
    const answer = await complete({ prompt: ids });
    expect(answer.choices[0]?.logprobs?.token_logprobs).toEqual(scorePrompt(ids));
  });
});
