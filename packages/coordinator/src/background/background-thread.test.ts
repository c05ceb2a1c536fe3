import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { planUpdates } from "@gumshoe/grpo";
import { floatsToBytes, tokensToBytes } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { encodePacks } from "../learn/encoded-packs.js";
import { groupBytes, readGroup } from "../sample/stored-group.js";
import type * as BackgroundModule from "./background-thread.js";

// The thread's entry point is a file of the built package, so the class is imported from there too.
const built = new URL("../../dist/background/background-thread.js", import.meta.url).href;
const { BackgroundThread } = (await import(built)) as typeof BackgroundModule;

let folder: string;
let background: InstanceType<typeof BackgroundThread>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
  background = new BackgroundThread();
});
afterEach(async () => {
  await background.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("writing many blobs to two folders resolves once each is on disk under its name", async () => {
  const texts = Array.from({ length: 100 }, (_, i) => `clue ${i}`);
  const blobs = texts.map((text, i) => ({
    where: join(folder, i % 2 === 0 ? "a" : "b"),
    name: sha256(text),
    // A view of part of a larger buffer: only that part must be written.
    bytes: Buffer.from(`[${text}]`).subarray(1, 1 + text.length),
  }));
  await Promise.all(
    blobs.map(async ({ where, name, bytes }) => {
      await background.writeBlob(where, name, bytes);
      expect(sha256(readFileSync(join(where, name)))).toBe(name);
    }),
  );
  expect(readdirSync(join(folder, "a"))).toHaveLength(50);
  expect(readdirSync(join(folder, "b"))).toHaveLength(50);
});

test("a blob that cannot be written fails by name, and the next one is written", async () => {
  writeFileSync(join(folder, "a"), "a file, where a folder should be");
  await expect(
    background.writeBlob(join(folder, "a"), sha256("clue"), Buffer.from("clue")),
  ).rejects.toThrow(/blobs cannot be written: .*(EEXIST|ENOTDIR)/);
  await background.writeBlob(join(folder, "b"), sha256("clue"), Buffer.from("clue"));
  expect(readFileSync(join(folder, "b", sha256("clue")), "utf8")).toBe("clue");
});

test("a blob written after the thread has ended is rejected", async () => {
  await background.stop();
  await expect(background.writeBlob(folder, sha256("clue"), Buffer.from("clue"))).rejects.toThrow(
    "blobs cannot be written: the thread that writes them was stopped",
  );
});

const PROMPTS = [
  [3, 4, 5],
  [6, 7],
  [8, 9, 10, 11],
];
const RULES = {
  advantage: "grpo",
  truncated: "keep",
  aggregation: { type: "token-mean" },
  updatesPerIteration: 2,
  lanes: 2,
  maxPackTokens: 8,
} as const;

/** Keeps a group of three answers per prompt; returns the names of their blobs. */
async function keepGroups(): Promise<{ name: string; bytes: Uint8Array }[]> {
  const blobs = PROMPTS.map((_, task) => {
    const bytes = groupBytes({
      run: "planned",
      groupKey: `0/train/${task}`,
      weights: undefined,
      workerId: "inference-1",
      rollouts: [1, 2, 3].map((length) => ({
        tokens: tokensToBytes(Array.from({ length }, (_, i) => task + i)),
        logprobs: floatsToBytes(new Float32Array(length).fill(-0.5 * length)),
        reward: length / 3,
        finish: "stop",
        text: "",
        gradingError: "",
        metrics: {},
        segments: [],
        messages: [],
      })),
      gradingMs: 0,
      runDigest: "",
    });
    return { name: sha256(bytes), bytes };
  });
  for (const { name, bytes } of blobs) await background.writeBlob(folder, name, bytes);
  return blobs;
}

const sampled = (blobs: readonly string[]) => ({
  folder,
  blobs,
  promptTokens: tokensToBytes(PROMPTS.flat()),
  promptLengths: PROMPTS.map(({ length }) => length),
  rules: RULES,
});

test("the thread plans stored groups exactly as the pure function does, lane by lane", async () => {
  const blobs = await keepGroups();
  const plan = await background.planUpdates(sampled(blobs.map(({ name }) => name)));
  const groups = blobs.map(({ bytes }, i) => readGroup(bytes, tokensToBytes(PROMPTS[i] ?? [])));
  const { updates, counts } = planUpdates(groups, RULES);
  expect(updates).toHaveLength(2);
  expect(plan.counts).toEqual(counts);
  expect(plan.updates.map((lanes) => lanes.map((bytes) => Buffer.from(bytes)))).toEqual(
    updates.map(({ lanes }) => lanes.map((packs) => Buffer.from(encodePacks(packs)))),
  );
});

test("planning a group whose blob is missing fails with the blob's name", async () => {
  const blobs = await keepGroups();
  const names = [...blobs.map(({ name }) => name).slice(1), "f".repeat(64)];
  await expect(background.planUpdates(sampled(names))).rejects.toMatchObject({
    code: "DATA_LOSS",
    message: expect.stringContaining(join(folder, "f".repeat(64))) as string,
  });
});
