/** The thread of `gumshoe serve` on an emulated GPU: the CPU's tokens, scores of prompts and alternatives. */
import { SamplerThread } from "@gumshoe/serve";
import type { DeviceName } from "@gumshoe/gpu";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";
import { ROOKIE } from "../support/rookie.js";

const MEMORY_BYTES = 512 * 2 ** 20;
const SAMPLE = {
  promptIds: [70, 20, 300, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55],
  count: 2,
  temperature: 0.8,
  maxNewTokens: 3,
  stopTokenIds: [0],
  seed: [1] as const,
  earlyStop: null,
  scoresPrompt: true,
  alternatives: 4,
};
const folder = emulatedFolder();

describe.skipIf(folder === null)("the sampler's thread on a GPU", () => {
  const threads: SamplerThread[] = [];
  beforeAll(() => {
    new EmulatedGpu(folder ?? "").set("memory", MEMORY_BYTES);
  });
  afterAll(async () => {
    await Promise.all(threads.map((thread) => thread.stop()));
  });

  async function start(device: DeviceName) {
    const data = { device, threads: 1, environment: {}, kvCacheTokens: 1024 };
    const thread = new SamplerThread(data, () => undefined);
    threads.push(thread);
    const { model } = await thread.load({ folder: ROOKIE, adapter: null });
    return { thread, model };
  }

  test("reports what the CPU reports, bit for bit", async () => {
    const cpu = await start({ type: "cpu" });
    const gpu = await start({ type: "cuda", ordinal: 0 });
    // The last one is not scored, so it reuses the first block of the prompt.
    const options = [
      {},
      { topK: 3, minNewTokens: 2 },
      { topP: 0.7, minP: 0.05, scoresPrompt: false },
    ];
    const numCached: number[] = [];
    for (const more of options) {
      const reports = [];
      for (const { thread, model } of [cpu, gpu]) {
        const report: unknown[] = [];
        await thread.sample(
          { model, sample: { ...SAMPLE, ...more } },
          {
            onCachedPrefix: (numTokens) => numCached.push(numTokens),
            onPromptScores: (scores) => report.push(scores),
            onToken: (token) => report.push(token),
          },
          new AbortController().signal,
        );
        reports.push(report);
      }
      expect(reports[1]).toEqual(reports[0]);
      const isScored = !("scoresPrompt" in more);
      if (isScored) expect(reports[0]?.[0]).toHaveLength(SAMPLE.promptIds.length - 1);
      expect(reports[0]?.[isScored ? 1 : 0]).toMatchObject({
        alternatives: { length: more.topK ?? 4 },
      });
    }
    expect(numCached).toEqual([16, 16]);
  });
});
