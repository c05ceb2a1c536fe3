import { expect, test } from "vitest";
import { countRowTokens, countTargets, type Pack, packRow } from "./pack.js";

function pack(prompt: number[], ...answers: number[][]): Pack {
  return {
    groupKey: "0/train/0",
    promptTokens: Int32Array.from(prompt),
    answers: answers.map((tokens, rollout) => ({
      rollout,
      tokens: Int32Array.from(tokens),
      logprobs: new Float32Array(tokens.length),
      advantage: 0,
      weight: 1,
    })),
  };
}

test("a row contains the prompt once, and the positions of every answer continue those of the prompt", () => {
  const row = packRow(pack([10, 11, 12], [20, 21], [30, 31, 32]));
  expect([...row.tokens]).toEqual([10, 11, 12, 20, 21, 30, 31, 32]);
  expect([...row.positions]).toEqual([0, 1, 2, 3, 4, 3, 4, 5]);
  expect(row.segments).toEqual([
    { start: 0, length: 3, kind: "prompt" },
    { start: 3, length: 2, kind: "answer" },
    { start: 5, length: 3, kind: "answer" },
  ]);
});

test("the first token of every answer is predicted by the last token of the prompt", () => {
  const row = packRow(pack([10, 11, 12], [20, 21], [30, 31, 32]));
  expect([...row.targets]).toEqual([20, 21, 30, 31, 32]);
  expect([...row.predictors]).toEqual([2, 3, 2, 5, 6]);
});

test("the counts match the row", () => {
  const two = pack([10, 11, 12], [20, 21], [30, 31, 32]);
  expect(countTargets(two)).toBe(5);
  expect(countRowTokens(two)).toBe(8);
});

test("an empty prompt is rejected, because no token would predict an answer's first token", () => {
  expect(() => packRow(pack([], [20]))).toThrow("group 0/train/0: the prompt is empty");
});
