import { expect, test } from "vitest";
import { InvalidGroupError, PackTooSmallError } from "./errors.js";
import type { Pack } from "./pack.js";
import { packGroups } from "./packing.js";

function group(key: string, promptLength: number, answerLengths: number[]): Pack {
  return {
    groupKey: key,
    promptTokens: new Int32Array(promptLength).fill(1),
    answers: answerLengths.map((length, rollout) => ({
      rollout,
      tokens: new Int32Array(length).fill(2),
      logprobs: new Float32Array(length),
      advantage: 1,
      weight: 0.5,
    })),
  };
}

const rollouts = (packs: Pack[]) => packs.map((p) => p.answers.map((answer) => answer.rollout));

test("a group that fits is one pack, and groups never share a pack", () => {
  const packs = packGroups([group("a", 4, [2, 2]), group("b", 4, [2])], { maxPackTokens: 8 });
  expect(packs.map((p) => p.groupKey)).toEqual(["a", "b"]);
  expect(rollouts(packs)).toEqual([[0, 1], [0]]);
});

test("a group that does not fit is split in rollout order, and each part has the prompt", () => {
  const packs = packGroups([group("a", 4, [3, 3, 2, 6, 1])], { maxPackTokens: 10 });
  expect(rollouts(packs)).toEqual([[0, 1], [2], [3], [4]]);
  expect(packs.every((p) => p.promptTokens.length === 4)).toBe(true);
});

test("an answer that does not fit into a pack is an error with the needed size", () => {
  const tooLong = () => packGroups([group("a", 4, [3, 9])], { maxPackTokens: 12 });
  expect(tooLong).toThrow(PackTooSmallError);
  expect(tooLong).toThrow("group a rollout 1 needs 13 tokens with its prompt, a pack holds 12");
});

test("an empty answer, a wrong number of log-probs and an invalid log-prob are rejected", () => {
  const bad = (change: object) => () => {
    const base = group("a", 1, [2]);
    const answers = base.answers.map((answer) => ({ ...answer, ...change }));
    return packGroups([{ ...base, answers }], { maxPackTokens: 9 });
  };
  expect(bad({ tokens: new Int32Array(0) })).toThrow(InvalidGroupError);
  expect(bad({ logprobs: new Float32Array(1) })).toThrow("2 tokens but 1 log-probs");
  expect(bad({ logprobs: Float32Array.of(-1, NaN) })).toThrow("not a finite number");
  expect(bad({ logprobs: new Float32Array(0) })).not.toThrow();
});
