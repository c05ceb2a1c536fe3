import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GoldenFormatError } from "@gumshoe/grpo";
import { createCpuDevice } from "@gumshoe/kernels";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { GoldenFileError } from "../errors.js";
import type { VerifyCheck } from "./check.js";
import { verifyPaths } from "./verify-paths.js";

const GOLDEN = fileURLToPath(new URL("../../../../test/golden", import.meta.url));
let dir = "";

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "gumshoe-verify-")), "golden");
});
afterEach(async () => {
  await rm(join(dir, ".."), { recursive: true });
});

async function verify(path: string, tokenizerDir?: string): Promise<VerifyCheck[]> {
  const openDevice = () => createCpuDevice({ threads: 1 });
  const options = { openDevice, ...(tokenizerDir === undefined ? {} : { tokenizerDir }) };
  const checks: VerifyCheck[] = [];
  for await (const check of verifyPaths([path], options)) checks.push(check);
  return checks;
}

function failures(checks: readonly VerifyCheck[]): string[] {
  return checks.filter(({ ok }) => !ok).map((check) => `${check.case} ${check.output}`);
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, "utf8")));
}

test.each([
  ["qwen2", 100],
  ["qwen2-tied", 122],
  ["qwen3", 94],
  ["llama3", 88],
  ["lora", 91],
])("every golden number of the %s model is matched", async (name, numChecks) => {
  const checks = await verify(join(GOLDEN, name));
  expect(failures(checks)).toEqual([]);
  expect(checks.length).toBe(numChecks);
});

test("the reference encodings and chats are matched", async () => {
  const checks = await verify(join(GOLDEN, "tokenizer"));
  expect(failures(checks)).toEqual([]);
  expect(new Set(checks.map(({ output }) => output))).toEqual(new Set(["ids", "decoded", "text"]));
});

test("the tokenizer may be in another folder", async () => {
  await cp(join(GOLDEN, "tokenizer", "chats.json"), join(dir, "chats.json"), { recursive: true });
  expect(failures(await verify(dir, join(GOLDEN, "tokenizer")))).toEqual([]);
  await expect(verify(dir)).rejects.toThrow("tokenizer.json");
});

test("the numbers of the algorithm are matched, and the file is found in its folder", async () => {
  const file = join(GOLDEN, "algorithm.json");
  const checks = await verify(file);
  expect(failures(checks)).toEqual([]);
  expect(checks.length).toBeGreaterThan(10);
  await cp(file, join(dir, "algorithm.json"), { recursive: true });
  expect((await verify(dir)).length).toBe(checks.length);
});

describe("a wrong model", () => {
  beforeEach(() => cp(join(GOLDEN, "qwen2"), dir, { recursive: true }));

  test("is detected by the numbers, one by one", async () => {
    await edit(join(dir, "config.json"), (text) =>
      text.replace('"rope_theta": 1000000.0', '"rope_theta": 500000.0'),
    );
    const failed = failures(await verify(dir));
    for (const name of ["logits logits.1", "cross-entropy loss", "score-t0.7 entropies.0.0"]) {
      expect(failed).toContain(name);
    }
    expect(failed).toContain("greedy continuation");
    expect(failed).toContain("train losses");
  });

  test("with a golden file of an unknown kind, format or version is refused", async () => {
    const file = join(dir, "golden.json");
    const original = await readFile(file, "utf8");
    for (const [change, problem] of [
      [original.replace('"kind":"score"', '"kind":"beam"'), "cases[2].kind: is beam"],
      [original.replace('"version":1', '"version":2'), "version 2"],
      [original.replace('"gumshoe-golden"', '"other"'), "other"],
      [original.replace('"adamw"', '"sgd"'), "sgd"],
      [original.replace('"grad.lm_head.weight"', '"grad.lm_hat.weight"'), "lm_hat"],
      [original.replace('"temperature":', '"heat":'), "temperature: is missing"],
    ] as const) {
      await writeFile(file, change);
      await expect(verify(dir)).rejects.toThrow(GoldenFormatError);
      await expect(verify(dir)).rejects.toThrow(problem);
    }
    await writeFile(file, "{");
    await expect(verify(dir)).rejects.toThrow(GoldenFileError);
  });

  test("without its golden tensors is refused", async () => {
    await rm(join(dir, "golden.safetensors"));
    await expect(verify(dir)).rejects.toThrow("golden.safetensors");
  });
});

test("a path without golden numbers is an error, not a success", async () => {
  await expect(verify(dir)).rejects.toThrow(GoldenFileError);
  await expect(verify(join(GOLDEN, "temporal-clue"))).rejects.toThrow("has no golden.json");
  await expect(verify(join(GOLDEN, "README.md"))).rejects.toThrow(GoldenFileError);
});

test("an empty list of encodings or an unknown section of the algorithm is an error", async () => {
  await cp(join(GOLDEN, "algorithm.json"), join(dir, "algorithm.json"), { recursive: true });
  await edit(join(dir, "algorithm.json"), (text) => text.replace('"earlyStop"', '"lateStop"'));
  await expect(verify(dir)).rejects.toThrow("lateStop");
  await rm(join(dir, "algorithm.json"));
  await writeFile(join(dir, "encodings.json"), "[]");
  await expect(verify(dir, join(GOLDEN, "tokenizer"))).rejects.toThrow("is empty");
});
