import { expect, test } from "vitest";

import { closingLines } from "./closing-lines.js";

const RESULT = {
  run: "first",
  weightsDigest: "ab12",
  iterations: 40,
  updates: 80,
  logprobGapMax: 0,
  seconds: 200,
  checkpoint: "/gumshoe/.gumshoe/runs/first/checkpoints/40",
};
const CONTEXT = { configFile: "runs/first.yaml", workingFolder: "/gumshoe" };

test("a run that was validated twice says from what to what", () => {
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
  const lines = closingLines({ ...RESULT, validation }, CONTEXT);
  expect(lines).toContain("run first: 40 iterations and 80 updates in 3 min 20 s");
  expect(lines).toContain(
    "from 0.300 (95 %: 0.280 to 0.320) to 0.620 (95 %: 0.600 to 0.640), on 320 held-out cases",
  );
  expect(lines).toContain("most likely answer: from 0.600 to 0.650 (95 %: 0.630 to 0.670)");
  expect(lines).toContain("guessing among the listed names would give 0.410");
  expect(lines).toContain("--model .gumshoe/runs/first/checkpoints/40 --data cases.json");
});

test("a run that ended below its start says so, and what to change", () => {
  const interval = (reward: number) => {
    const [low, high, count] = [reward - 0.04, reward + 0.04, 200];
    return { reward, low, high, count, randomGuess: 0 };
  };
  const validation = [
    { iteration: 0, ...interval(0.955) },
    { iteration: 10, ...interval(0.49) },
  ];
  const lines = closingLines({ ...RESULT, validation }, CONTEXT);
  expect(lines).toContain("validation fell from 0.955 to 0.490: the start was better; lower optim");
  const equal = validation.map((one) => ({ ...one, reward: 0.95 }));
  expect(closingLines({ ...RESULT, validation: equal }, CONTEXT)).not.toContain("warning");
});

test("a run without validation claims nothing", () => {
  const lines = closingLines({ ...RESULT, validation: [] }, CONTEXT);
  expect(lines).not.toContain("reward");
  expect(lines).toContain("weights digest  ab12");
});
