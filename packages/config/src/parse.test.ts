import { describe, expect, test } from "vitest";

import { configProblem } from "../../../test/support/config-problem.js";
import type { GrpoConfig } from "./grpo-config.js";
import { checkRunConfig, parseRunConfig } from "./parse.js";

const GRPO = `
type: grpo
name: first
model: models/rookie
tasks: { source: { type: generate, tier: mini, seed: 11 } }
`;

const CURRICULUM = `
type: grpo
name: climb
model: models/rookie
tasks: { source: { type: generate }, curriculum: { tiers: [mini, easy] } }
`;

const SFT = `
type: sft
name: warm-up
model: models/tokenizer
examples: { source: { type: generate, tier: mini } }
`;

const withRollouts = (fields: string) => `${GRPO}rollouts: { ${fields} }`;

test("options of sampling have no defaults, so that a config without them stays as it is", () => {
  const plain = { perTask: 16, temperature: 1, maxAnswerTokens: 64, earlyStop: null };
  expect(parseRunConfig(GRPO)).toMatchObject({ rollouts: plain });
  expect(Object.keys((parseRunConfig(GRPO) as GrpoConfig).rollouts)).toEqual(Object.keys(plain));
  const options = { topK: 5, topP: 0.9, minP: 0.1, minAnswerTokens: 3, stop: ["\n\n"] };
  const text = withRollouts(JSON.stringify(options).slice(1, -1));
  expect(parseRunConfig(text)).toMatchObject({ rollouts: { ...plain, ...options } });
});

test("a short config is completed with defaults", () => {
  const config = parseRunConfig(GRPO);
  expect(config).toMatchObject({
    type: "grpo",
    iterations: 40,
    rollouts: { perTask: 16, temperature: 1, earlyStop: null },
    loss: { policy: "clip", clipLow: 0.2, aggregation: { type: "sequence-mean" } },
    optimizer: { lr: 1e-5, beta2: 0.99, warmupUpdates: 0 },
    checkpoint: { every: 10, keepLatest: 2, keepBest: true },
    validation: null,
  });
});

test("a config that leaves out dynamic sampling, length penalty and reference has none of these fields", () => {
  // Their absence keeps the hash of configs that were resolved before the fields existed.
  expect(JSON.stringify(parseRunConfig(GRPO))).not.toMatch(/dynamicSampling|overlong|"reference"/);
});

test("a resolved config has the same meaning as YAML text, JSON text and object", () => {
  for (const text of [GRPO, SFT]) {
    const config = parseRunConfig(text);
    expect(parseRunConfig(JSON.stringify(config))).toEqual(config);
    expect(checkRunConfig(config)).toEqual(config);
  }
});

test("a curriculum has its own defaults", () => {
  expect(parseRunConfig(CURRICULUM)).toMatchObject({
    tasks: { curriculum: { tiers: ["mini", "easy"], promoteAt: 0.7, demoteAt: 0.3, window: 5 } },
  });
  expect(parseRunConfig(GRPO)).toMatchObject({ tasks: { curriculum: null } });
});

test("the run is named after the file when the text has no name", () => {
  const text = GRPO.replace("name: first\n", "");
  expect(parseRunConfig(text, { fileName: "runs/tiny.yaml" }).name).toBe("tiny");
  expect(parseRunConfig(GRPO, { fileName: "runs/tiny.yaml" }).name).toBe("first");
  expect(configProblem(text)).toBe("name: is missing");
});

test("a supervised run may start from a newly initialised model", () => {
  const shape =
    "hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4";
  const config = (heads: number) =>
    `${SFT}init: { type: new, config: { ${shape}, num_key_value_heads: ${heads} } }\n`;
  expect(parseRunConfig(config(2))).toMatchObject({
    init: { type: "new", seed: 1, config: { hidden_size: 64, tie_word_embeddings: true } },
  });
  expect(configProblem(config(3))).toBe(
    "init.config.num_key_value_heads: must divide num_attention_heads = 4",
  );
});

test("tasks may come from zebra puzzles or a user's module", () => {
  const source = (text: string) => parseRunConfig(GRPO.replace("type: generate, tier: mini", text));
  expect(source("type: zebra, houses: 5")).toMatchObject({
    tasks: { source: { type: "zebra", houses: 5, attributes: 3, seed: 11 } },
  });
  expect(source("type: module, module: a.mjs, options: { deep: [1, { a: null }] }")).toMatchObject({
    tasks: { source: { module: "a.mjs", seed: 11, options: { deep: [1, { a: null }] } } },
  });
});

describe("an error names the field", () => {
  test.each([
    [
      "an unknown field, with the near one",
      `${GRPO}iteration: 3`,
      "iteration: unknown field (did you mean iterations?)",
    ],
    ["an unknown field far from all", `${GRPO}colour: red`, "colour: unknown field"],
    [
      "an unknown inner field",
      `${GRPO}optimizer: { learnRate: 1 }`,
      "optimizer.learnRate: unknown field",
    ],
    [
      "a misspelt field before the gap it leaves",
      GRPO.replace("tasks", "task"),
      "task: unknown field (did you mean tasks?)",
    ],
    ["a field of the other run type", `${SFT}rollouts: {}`, "rollouts: unknown field"],
    ["a missing field", GRPO.replace("model: models/rookie\n", ""), "model: is missing"],
    ["a missing type", "name: a", "type: is missing (one of grpo, sft)"],
    [
      "an unknown type",
      GRPO.replace("grpo", "grop"),
      'type: "grop" is not a choice (did you mean grpo?)',
    ],
    [
      "an inner type",
      GRPO.replace("generate", "dataset2"),
      'tasks.source.type: "dataset2" is not a choice (did you mean dataset?)',
    ],
    ["a choice", `${GRPO}advantage: rlo`, 'advantage: "rlo" is not a choice (did you mean rloo?)'],
    ["a number out of range", `${GRPO}optimizer: { lr: -1 }`, "optimizer.lr: must be above 0"],
    [
      "a number that is too large",
      `${GRPO}optimizer: { lr: 2 }`,
      "optimizer.lr: must be at most 1",
    ],
    ["a number that is text", `${GRPO}lanes: two`, "lanes: must be a number"],
    ["a fraction", `${GRPO}lanes: 1.5`, "lanes: must be a whole number"],
    [
      "a name with other letters",
      GRPO.replace("first", "My run"),
      "name: 1 to 63 of a-z, 0-9 and -, not starting with -",
    ],
    ["a lag that is too long", `${GRPO}staleness: 17`, "staleness: must be at most 16"],
    ["a lag into the future", `${GRPO}staleness: -1`, "staleness: must be at least 0"],
    [
      "a lag by a part of an iteration",
      `${GRPO}staleness: 0.5`,
      "staleness: must be a whole number",
    ],
    [
      "a lag as long as the run",
      `${GRPO}iterations: 2\nstaleness: 2`,
      "staleness: must be below iterations = 2: all would sample at the start",
    ],
    ["a lag of examples", `${SFT}staleness: 1`, "staleness: unknown field"],
    [
      "a reference that nothing uses",
      `${GRPO}reference: { refreshEvery: 5 }`,
      "reference: needs loss.klCoefficient above 0: without it no reference is used",
    ],
    [
      "a refresh at no time",
      `${GRPO}loss: { klCoefficient: 0.1 }\nreference: { refreshEvery: 0 }`,
      "reference.refreshEvery: must be at least 1",
    ],
    [
      "an estimator that is none",
      `${GRPO}loss: { klCoefficient: 0.1, klEstimator: k4 }`,
      'loss.klEstimator: "k4" is not a choice (did you mean k1?)',
    ],
    [
      "a length penalty over more than an answer",
      `${GRPO}loss: { overlong: { bufferTokens: 65 } }`,
      "loss.overlong.bufferTokens: must be at most rollouts.maxAnswerTokens = 64",
    ],
    [
      "a length penalty without a buffer",
      `${GRPO}loss: { overlong: { penalty: 1 } }`,
      "loss.overlong.bufferTokens: is missing",
    ],
    [
      "a limit of no replacements",
      GRPO.replace("seed: 11", "seed: 11 }, dynamicSampling: { maxReplacements: 0"),
      "tasks.dynamicSampling.maxReplacements: must be at least 1",
    ],
    [
      "a correction of log-probs that agree",
      `${GRPO}loss: { truncatedImportanceSampling: 2 }`,
      "loss.truncatedImportanceSampling: needs a staleness of at least 1: without it sampler and trainer agree bit for bit, so the ratio is always 1",
    ],
    [
      "a correction by weights that no trainer holds",
      `${GRPO}loss: { truncatedImportanceSampling: 2 }\nstaleness: 1`,
      "loss.truncatedImportanceSampling: needs updatesPerIteration: 1, whose trainers hold the weights it compares",
    ],
    [
      "a correction under a truncated distribution",
      `${withRollouts("topP: 0.9")}\nloss: { truncatedImportanceSampling: 2 }\nstaleness: 1\nupdatesPerIteration: 1`,
      "loss.truncatedImportanceSampling: excludes rollouts.topP: what it leaves out has no ratio",
    ],
    [
      "an order turned round",
      GRPO.replace(
        "type: generate, tier: mini, seed: 11",
        "type: dataset, file: a.json, split: [5, 5]",
      ),
      "tasks.source.split: the first number must be below the second",
    ],
    [
      "a difficulty turned round",
      GRPO.replace("seed: 11", "difficulty: { min: 9, max: 8 }"),
      "tasks.source.difficulty: min must be at most max",
    ],
    [
      "a curriculum over a file",
      CURRICULUM.replace("type: generate", "type: dataset, file: a.json"),
      "tasks.curriculum: needs tasks.source of type: generate",
    ],
    [
      "a curriculum that begins elsewhere than the source",
      CURRICULUM.replace("[mini", "[hard"),
      "tasks.source.tier: must be the curriculum's first tier, hard",
    ],
    [
      "a curriculum of unknown tiers",
      CURRICULUM.replace("easy", "eazy"),
      'tasks.curriculum.tiers.1: "eazy" is not a choice (did you mean easy?)',
    ],
    [
      "a curriculum that goes nowhere",
      CURRICULUM.replace("easy", "mini"),
      "tasks.curriculum.tiers: has a tier twice",
    ],
    [
      "a curriculum that would go up and down at once",
      CURRICULUM.replace("easy]", "easy], promoteAt: 0.2"),
      "tasks.curriculum.demoteAt: must be below promoteAt",
    ],
    [
      "a curriculum beside a difficulty",
      CURRICULUM.replace("generate", "generate, difficulty: { max: 9 }"),
      "tasks.source.difficulty: must be null with a curriculum, which sets the difficulty by tiers",
    ],
    [
      "more updates than tasks",
      `${GRPO}updatesPerIteration: 17`,
      "updatesPerIteration: must be at most tasks.perIteration = 16",
    ],
    [
      "a pack too small for an answer",
      `${GRPO}maxPackTokens: 64`,
      "maxPackTokens: must be above rollouts.maxAnswerTokens = 64",
    ],
    ["a top-p of nothing", withRollouts("topP: 0"), "rollouts.topP: must be above 0"],
    ["a top-p above all", withRollouts("topP: 1.5"), "rollouts.topP: must be at most 1"],
    [
      "a divergence under a truncated distribution",
      `${withRollouts("topP: 0.9")}\nloss: { klCoefficient: 0.1 }`,
      "rollouts.topP: excludes loss.klCoefficient: what it leaves out has no finite divergence",
    ],
    ["a negative top-k", withRollouts("topK: -1"), "rollouts.topK: must be at least 1"],
    ["a min-p above all", withRollouts("minP: 2"), "rollouts.minP: must be at most 1"],
    [
      "an empty stop string",
      withRollouts('stop: [a, ""]'),
      "rollouts.stop.1: must be at least 1 characters long",
    ],
    [
      "a broken stop string",
      withRollouts('stop: ["\\ud83d"]'),
      "rollouts.stop.0: must not have half a character",
    ],
    [
      "too many stop strings",
      withRollouts(`stop: [${Array.from({ length: 17 }, () => "a").join(", ")}]`),
      "rollouts.stop: must be at most 16 items long",
    ],
    [
      "a minimum length above the greatest",
      withRollouts("minAnswerTokens: 65"),
      "rollouts.minAnswerTokens: must be at most rollouts.maxAnswerTokens = 64",
    ],
    [
      "more houses than there are names",
      GRPO.replace("type: generate, tier: mini", "type: zebra, houses: 9"),
      "tasks.source.houses: must be at most 7",
    ],
    [
      "a grader of tasks that a module grades",
      GRPO.replace("type: generate, tier: mini", "type: module, module: a.mjs").replace(
        "seed: 11 }",
        "seed: 11 }, grader: seed",
      ),
      "tasks.grader: must be fixed: a module grades its own tasks",
    ],
    ["a guard without a validation", `${GRPO}stopWhen: {}`, "stopWhen: needs a validation"],
    [
      "a two-sided clip of another policy",
      `${GRPO}loss: { policy: gspo, twoSided: 3 }`,
      "loss.twoSided: needs policy: clip",
    ],
  ])("%s", (_what, text, message) => {
    expect(configProblem(text)).toBe(message);
  });

  test("all invalid fields are named at once, unknown ones first, without the missing fields that they explain", () => {
    const text = `${GRPO.replace("model", "modle")}
optimizer: { lr: -1, learnRate: 1 }
lanes: two
advantage: rlo`;
    expect(configProblem(text).split("; ")).toEqual([
      "optimizer.learnRate: unknown field",
      "modle: unknown field (did you mean model?)",
      'advantage: "rlo" is not a choice (did you mean rloo?)',
      "lanes: must be a number",
      "optimizer.lr: must be above 0",
    ]);
  });

  test("hundreds of invalid fields give a short message with their number", () => {
    const text = GRPO + Array.from({ length: 500 }, (_, i) => `unknown${i}: 1`).join("\n");
    expect(configProblem(text)).toMatch(/; and \d+ more$/);
    expect(configProblem(text).length).toBeLessThan(3500);
  });

  test("a rollback requires a best checkpoint", () => {
    const text = `${GRPO}validation: { source: { type: generate, seed: 2 } }
checkpoint: { keepBest: false }
stopWhen: { action: rollback }`;
    expect(configProblem(text)).toBe("stopWhen.action: rollback needs checkpoint.keepBest: true");
  });
});

test("text that is not a config is rejected in one line", () => {
  expect(configProblem("a: [")).toMatch(/^config: is not YAML: .* at line 1, column \d+$/);
  expect(configProblem("hello")).toBe("config: must be fields with values, such as `type: grpo`");
  expect(configProblem("a: 1\na: 2")).toMatch(/^config: is not YAML: Map keys must be unique/);
  expect(configProblem("")).toMatch(/^config: must be fields/);
  expect(configProblem(`${GRPO}---\n${SFT}`)).toMatch(/^config: holds several YAML documents/);
  expect(configProblem(`type: grpo #${"x".repeat(1_000_001)}`)).toMatch(/^config: is longer than/);
});
