import { expect, test } from "vitest";

import { BlockManager } from "./block-manager.js";
import { Scheduler, type SchedulerLimits, type Work } from "./scheduler.js";
import type { SampleRequest } from "./sequence.js";

function scheduler(limits: Partial<SchedulerLimits> = {}): Scheduler {
  const { numBlocks = 100 } = limits;
  const others = { maxBlocks: numBlocks, maxBatch: 8, maxPrefillTokens: 64 };
  return new Scheduler({ numBlocks, ...others, ...limits });
}

function request(id: string, shape: { prompt: number; count: number; most: number }) {
  return {
    id,
    promptIds: new Int32Array(shape.prompt),
    count: shape.count,
    temperature: 1,
    maxNewTokens: shape.most,
    stopTokenIds: [],
    seed: [1],
    earlyStop: null,
  } satisfies SampleRequest;
}

/** Describes the work of one step. */
function describe(work: Work | null): string {
  if (work === null) return "nothing";
  if (work.kind === "prefill") {
    return `read ${work.groups.map((group) => group.request.id).join(" ")}`;
  }
  const names = work.sequences.map((s) => `${s.group.request.id}${s.rollout}`);
  return `decode ${names.join(" ")}`;
}

/** Runs a step in which every answer gets one token; returns the description. */
function step(scheduler: Scheduler): string {
  const work = scheduler.schedule();
  if (work === null) return "nothing";
  const sequences =
    work.kind === "decode" ? work.sequences : work.groups.flatMap((group) => group.sequences);
  for (const sequence of sequences) sequence.append(1, -1);
  const text = describe(work);
  const finished = scheduler.settle().map((group) => group.request.id);
  return finished.length === 0 ? text : `${text}, finished ${finished.join(" ")}`;
}

test("prompts are prefilled in order, as many as a step allows, then answers are sampled", () => {
  const s = scheduler();
  for (const id of ["a", "b", "c"]) s.add(request(id, { prompt: 30, count: 2, most: 2 }));
  expect([step(s), step(s), step(s), step(s)]).toEqual([
    "read a b",
    "read c",
    "decode a0 a1 b0 b1 c0 c1, finished a b c",
    "nothing",
  ]);
});

test("a prompt longer than a step allows is prefilled alone", () => {
  const s = scheduler();
  s.add(request("long", { prompt: 100, count: 1, most: 1 }));
  expect([step(s), s.idle]).toEqual(["read long, finished long", true]);
});

test("answers of one prompt stay adjacent when the batch is refilled", () => {
  const s = scheduler({ maxBatch: 3 });
  s.add(request("a", { prompt: 10, count: 4, most: 3 }));
  s.add(request("b", { prompt: 10, count: 1, most: 2 }));
  expect(Array.from({ length: 6 }, () => step(s))).toEqual([
    "read a",
    "decode a0 a1 a2",
    "decode a0 a1 a2",
    "read b",
    "decode a3 b0, finished b",
    "decode a3, finished a",
  ]);
});

test("no prompt is prefilled while answers of an earlier one wait for cache blocks", () => {
  const s = scheduler({ numBlocks: 5 });
  s.add(request("a", { prompt: 16, count: 2, most: 49 }));
  s.add(request("b", { prompt: 1, count: 1, most: 2 }));
  expect([step(s), step(s)]).toEqual(["read a", "decode a0"]);
  expect(s.numWaiting).toBe(1);
});

test("every group finishes, however small the cache", () => {
  const s = scheduler({ numBlocks: 6, maxBatch: 4, maxPrefillTokens: 1000 });
  const shapes = [
    { prompt: 17, count: 3, most: 60 },
    { prompt: 1, count: 5, most: 2 },
    { prompt: 33, count: 2, most: 40 },
    { prompt: 80, count: 4, most: 5 },
    { prompt: 5, count: 1, most: 20 },
  ];
  shapes.forEach((shape, i) => s.add(request(`g${i}`, shape)));
  const log: string[] = [];
  while (!s.idle && log.length < 1000) log.push(step(s));
  const finished = log.flatMap((line) => line.split("finished ")[1]?.split(" ") ?? []);
  expect(finished.sort()).toEqual(["g0", "g1", "g2", "g3", "g4"]);
});

test("freed blocks can all be allocated again, none twice", () => {
  const blocks = new BlockManager(7);
  const a = blocks.allocate(3);
  const b = blocks.allocate(4);
  expect(new Set([...a, ...b]).size).toBe(7);
  expect(blocks.canAllocate(1)).toBe(false);
  expect(() => blocks.allocate(1)).toThrow(RangeError);
  blocks.release(b);
  expect(blocks.allocate(4).sort()).toEqual([...b].sort());
  expect(BlockManager.blocksFor(16)).toBe(1);
  expect(BlockManager.blocksFor(17)).toBe(2);
});
