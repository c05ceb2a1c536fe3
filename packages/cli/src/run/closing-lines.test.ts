import { parseRunConfig, type RunConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { closingLines } from "./closing-lines.js";
import type { GivenCommand } from "./next-steps.js";

const RESULT = {
  run: "first",
  weightsDigest: "ab12",
  iterations: 40,
  updates: 80,
  logprobGapMax: 0,
  seconds: 200,
  checkpoint: "/gumshoe/.gumshoe/runs/first/checkpoints/40",
};
const CONFIG = parseRunConfig(
  "{ name: first, type: grpo, model: m, tasks: { source: { type: generate } }, " +
    "validation: { source: { type: generate, seed: 2 } } }",
);
const GIVEN = {
  kind: "run",
  configFile: "runs/first.yaml",
  cluster: [],
  workingFolder: "/gumshoe",
  env: {},
} as const;

test("the gap of a run with staleness is that of the iterations that could be compared", () => {
  const lines = (config: RunConfig) =>
    closingLines({ ...RESULT, validation: [] }, config, GIVEN).split("\n");
  const gap = "  largest gap between the sampler's and the trainer's log-probs: 0";
  expect(lines(CONFIG)).toContain(gap);
  expect(lines({ ...CONFIG, staleness: 1 } as RunConfig)).toContain(
    `${gap}, where both had the same weights`,
  );
});

test("a run with two validations shows the initial and final rewards", () => {
  const interval = (reward: number) => ({
    reward,
    low: reward - 0.02,
    high: reward + 0.02,
    count: 320,
  });
  const validation = [
    { iteration: 0, ...interval(0.3), greedy: interval(0.6), randomGuess: 0.41 },
    { iteration: 40, ...interval(0.62), greedy: interval(0.65), randomGuess: 0.41 },
  ];
  const lines = closingLines({ ...RESULT, validation }, CONFIG, GIVEN);
  expect(lines).toContain("run first: 40 iterations and 80 updates in 3 min 20 s");
  expect(lines).toContain(
    "from 0.300 (95 %: 0.280 to 0.320) to 0.620 (95 %: 0.600 to 0.640), on 320 held-out cases",
  );
  expect(lines).toContain("most likely answer: from 0.600 to 0.650 (95 %: 0.630 to 0.670)");
  expect(lines).toContain("guessing among the listed names would give 0.410");
  expect(lines).toContain("--model .gumshoe/runs/first/checkpoints/40 --data cases.json");
});

test("a run with a report says what its final weights achieve on it", () => {
  const interval = { reward: 0.5, low: 0.45, high: 0.55, count: 200 };
  const weights = { version: 60, digest: "ab12" };
  const report = { ...interval, iteration: 30, greedy: interval, randomGuess: 0.4, weights };
  expect(closingLines({ ...RESULT, validation: [], report }, CONFIG, GIVEN)).toContain(
    "report on the weights after 30 iterations: reward 0.500 (95 %: 0.450 to 0.550), most likely answer 0.500 " +
      "(95 %: 0.450 to 0.550), on 200 cases that nothing was chosen by",
  );
});

test("a run whose answers grew to a deduction says what was learnt, if the score has risen", () => {
  const interval = (reward: number) => {
    return { reward, low: reward - 0.02, high: reward + 0.02, count: 400 };
  };
  const result = (after: number) => {
    const validation = [
      {
        iteration: 0,
        ...interval(0.5),
        greedy: interval(0.45),
        randomGuess: 0.4,
        means: { reasons: 0.27, answerTokens: 20.04 },
      },
      {
        iteration: 40,
        ...interval(after),
        greedy: interval(after),
        randomGuess: 0.4,
        means: { reasons: 0.999, answerTokens: 60 },
      },
    ];
    return closingLines({ ...RESULT, validation }, CONFIG, GIVEN);
  };
  expect(result(0.8)).toContain("that reason before they answer: from 27 % to 99 %\n");
  expect(result(0.8)).toContain("length of a sampled answer: from 20.0 to 60.0 tokens\n");
  expect(result(0.8)).toContain("It gets 80 % right instead of 45 %");
  expect(result(0.47)).toContain("to 60.0 tokens");
  expect(result(0.47)).not.toContain("pays to think");
});

test("a run that ended below its start says so, and recommends settings", () => {
  const interval = (reward: number) => {
    const [low, high, count] = [reward - 0.04, reward + 0.04, 200];
    return { reward, low, high, count, randomGuess: 0 };
  };
  const validation = [
    { iteration: 0, ...interval(0.955) },
    { iteration: 10, ...interval(0.49) },
  ];
  const lines = closingLines({ ...RESULT, validation }, CONFIG, GIVEN);
  expect(lines).toContain("validation fell from 0.955 to 0.490: the start was better; lower optim");
  const equal = validation.map((one) => ({ ...one, reward: 0.95 }));
  expect(closingLines({ ...RESULT, validation: equal }, CONFIG, GIVEN)).not.toContain("warning");
});

test("a run without validation makes no claim", () => {
  const lines = closingLines({ ...RESULT, validation: [] }, CONFIG, GIVEN);
  expect(lines).not.toContain("reward");
  expect(lines).toContain("weights digest  ab12");
});

test("the next steps match the given command and the run's tasks", () => {
  const result = { ...RESULT, validation: [] };
  const own = parseRunConfig(
    "{ name: sums, type: grpo, model: m, tasks: { source: { type: module, module: a.mjs } } }",
  );
  const next = (config: RunConfig, more: Partial<GivenCommand>) =>
    closingLines(result, config, { ...GIVEN, ...more }).split("next:\n")[1] ?? "";
  const cluster = ["--name", "mine", "--home", "/h"];
  expect(next(CONFIG, { cluster })).toContain(
    "npx gumshoe run runs/first.yaml --name mine --home /h --fresh --inference 2 --trainers 2",
  );
  const submitted = next(CONFIG, { kind: "submit", cluster: ["--home", "/h"] });
  expect(submitted).toContain("npx gumshoe download first --out models/first --home /h");
  expect(submitted).toContain("submit runs/first.yaml --name first-again --home /h --watch");
  expect(submitted).not.toContain("--fresh");
  const watched = next(CONFIG, { kind: "watch", configFile: null });
  expect(watched).not.toContain(".yaml");
  const sums = next(own, {});
  expect(sums).not.toContain("puzzle");
  expect(sums).not.toContain("eval");
});

test("the score of guessing is described in the task's terms, and omitted when it is zero", () => {
  const interval = { reward: 0.5, low: 0.4, high: 0.6, count: 10, iteration: 0 };
  const text = (randomGuess: number, source: string) =>
    closingLines(
      { ...RESULT, validation: [{ ...interval, randomGuess }] },
      parseRunConfig(
        `{ name: a, type: grpo, model: m, tasks: { source: ${source} }, validation: { source: ${source} } }`,
      ),
      GIVEN,
    );
  expect(text(0.2, "{ type: module, module: a.mjs }")).toContain("a guess would give 0.200");
  expect(text(0, "{ type: module, module: a.mjs }")).not.toContain("guess");
  expect(text(0.2, "{ type: zebra }")).toContain(
    "guessing among the listed names would give 0.200",
  );
});
