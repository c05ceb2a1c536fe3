import { checkRunConfig } from "@gumshoe/config";
import { parseModelConfig } from "@gumshoe/engine";
import { PROTOCOL_VERSION, type WorkerRole } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import type { Member } from "../fleet/fleet.js";
import { checkMemory } from "./memory-check.js";

const GB = 1e9;
const SHAPE = {
  model_type: "qwen2",
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151_936,
  tie_word_embeddings: true,
};
const tasks = { source: { type: "generate", tier: "mini" }, perIteration: 8 };
const RUN = {
  config: checkRunConfig({ name: "large", type: "grpo", model: "none", tasks }),
  model: parseModelConfig(SHAPE),
  tokens: { prompt: 250, example: null },
};

type Place = readonly [role: WorkerRole, host: string, memoryBytes: number];

function fleetOf(...places: readonly Place[]) {
  const all = places.map(([role, host, memoryBytes], i): Member => {
    const address = `127.0.0.1:${7000 + i}`;
    const who = { workerId: String(i), role, host, pid: i, device: "cpu x1", address };
    const registration = { ...who, memoryBytes, protocolVersion: PROTOCOL_VERSION };
    return { registration, vitals: null, jobSinceMs: 0, seenAtMs: 0, joinedAtMs: 0 };
  });
  return {
    members: (role: WorkerRole) => all.filter(({ registration }) => registration.role === role),
  };
}

test("a machine on which the workers do not fit together is named, with its limit", () => {
  const together = (memoryBytes: number) =>
    fleetOf(
      ["inference", "a", memoryBytes],
      ["trainer", "a", memoryBytes],
      ["reducer", "a", memoryBytes],
    );
  expect(() => checkMemory(RUN, together(8 * GB), "a")).toThrow(
    /^run large needs \d+\.\d GB of memory on the machine a, which has 8\.0 GB/,
  );
  expect(() => checkMemory(RUN, together(32 * GB), "a")).not.toThrow();
});

test("workers of several machines are counted where they are, by the least that one of them may take", () => {
  const spread = (trainerBytes: number) =>
    fleetOf(
      ["inference", "a", 8 * GB],
      ["trainer", "b", trainerBytes],
      ["trainer", "b", 64 * GB],
      ["reducer", "c", 16 * GB],
    );
  expect(() => checkMemory(RUN, spread(64 * GB), "a")).not.toThrow();
  expect(() => checkMemory(RUN, spread(2 * GB), "a")).toThrow("the machine b, which has 2.0 GB");
});

test("while no worker is registered nothing can be said", () => {
  expect(() => checkMemory(RUN, fleetOf(), "a")).not.toThrow();
});
