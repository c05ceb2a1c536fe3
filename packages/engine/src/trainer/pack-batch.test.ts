import { expect, test } from "vitest";

import { randomPack, TINY_CONFIGS } from "../model/tiny-model.js";
import { cutIntoRuns, packBatch } from "./pack-batch.js";

const CONFIG = TINY_CONFIGS.qwen3;

test("packs follow one another, every segment in fresh cache blocks", () => {
  const packs = [
    randomPack(CONFIG, { prompt: 17, answers: [2, 3] }, 1),
    randomPack(CONFIG, { prompt: 1, answers: [1] }, 2),
  ];
  const batch = packBatch(packs);
  expect(batch.spans).toEqual([
    span({ queryStart: 0, queryCount: 17, ownBlocks: [0, 1] }),
    span({ queryStart: 17, queryCount: 2, ownBlocks: [2], ...prefix([0, 1], 17, 0) }),
    span({ queryStart: 19, queryCount: 3, ownBlocks: [3], ...prefix([0, 1], 17, 0) }),
    span({ queryStart: 22, queryCount: 1, ownBlocks: [4] }),
    span({ queryStart: 23, queryCount: 1, ownBlocks: [5], ...prefix([4], 1, 22) }),
  ]);
  expect(batch.numBlocks).toBe(6);
  expect([...batch.slots.slice(15, 24)]).toEqual([15, 16, 32, 33, 48, 49, 50, 64, 80]);
  expect([...batch.positions.slice(16)]).toEqual([16, 17, 18, 17, 18, 19, 0, 1].slice(0, 8));
  expect([...batch.predictors]).toEqual([16, 17, 16, 19, 20, 22]);
  expect(batch.targetStarts).toEqual([0, 5, 6]);
  const answers = packs.flatMap((pack) => pack.answers.flatMap(({ tokens }) => [...tokens]));
  expect([...batch.targets]).toEqual(answers);
});

test("spans that share a prompt share one array of block ids", () => {
  const { spans } = packBatch([randomPack(CONFIG, { prompt: 40, answers: [1, 1, 1] })]);
  expect(spans[1]?.prefixBlocks).toBe(spans[3]?.prefixBlocks);
});

test("packs are split into batches in order, an oversized one alone", () => {
  const runs = cutIntoRuns([3, 4, 3, 12, 1, 9], 10, (size) => size);
  expect(runs).toEqual([[3, 4, 3], [12], [1, 9]]);
  expect(cutIntoRuns([], 10, (size: number) => size)).toEqual([]);
});

function span(given: { queryStart: number; queryCount: number; ownBlocks: number[] }) {
  return { prefixBlocks: [], prefixLength: 0, ownLength: 0, ...given };
}

function prefix(prefixBlocks: number[], prefixLength: number, prefixRow: number) {
  return { prefixBlocks, prefixLength, prefixRow };
}
