import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

import { type AdapterFolder, openAdapterFolder, writeAdapterFolder } from "./adapter-folder.js";
import { mergedParameters } from "./merge-adapter.js";
import { type ModelFolder, openModelFolder } from "./model-folder.js";

const GOLDEN = fileURLToPath(new URL("../../../../test/golden", import.meta.url));
const WEIGHTS = "adapter_model.safetensors";
const CONFIG = "adapter_config.json";

let dir = "";
const opened: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "gumshoe-adapter-")), "adapter");
  await cp(join(GOLDEN, "lora"), dir, { recursive: true });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((folder) => folder.close()));
  await rm(join(dir, ".."), { recursive: true });
});

async function openBase(name = "qwen2-tied"): Promise<ModelFolder> {
  const folder = await openModelFolder(join(GOLDEN, name));
  opened.push(folder);
  return folder;
}

async function open(base = "qwen2-tied"): Promise<AdapterFolder> {
  const folder = await openAdapterFolder(dir, await openBase(base));
  opened.push(folder);
  return folder;
}

async function change(fields: Record<string, unknown>): Promise<void> {
  const file = join(dir, CONFIG);
  const json = JSON.parse(await readFile(file, "utf8")) as object;
  await writeFile(file, JSON.stringify({ ...json, ...fields }));
}

async function refusal(base?: string): Promise<string> {
  return open(base).then(
    () => "not refused",
    (error: unknown) => (error as Error).message.replace(dir, "DIR"),
  );
}

test("an adapter that PEFT wrote is read", async () => {
  const { adapter, base, baseDigest, layout, format } = await open();
  expect(adapter).toMatchObject({ rank: 3, alpha: 5 });
  expect(adapter.targets).toHaveLength(7);
  expect([base.name, baseDigest, format]).toEqual(["../qwen2-tied", null, "F32"]);
  expect(layout.entries).toHaveLength(3 * 7 * 2);
});

test("an adapter is written as it is read", async () => {
  const { adapter, base, config, layout, readParameters } = await open();
  const parameters = await readParameters(0, layout.numParameters);
  const copy = join(dir, "copy");
  const assets = { "tokenizer.json": "{}" };
  const content = { adapter, base, config, baseDigest: "abc", parameters, assets };
  await writeAdapterFolder(copy, content);
  const again = await openAdapterFolder(copy, await openBase());
  opened.push(again);
  expect(again).toMatchObject({ adapter, base, baseDigest: "abc" });
  expect(await again.readParameters(0, layout.numParameters)).toEqual(parameters);
  expect(await readFile(join(copy, "tokenizer.json"), "utf8")).toBe("{}");
});

test("a merged model holds W + alpha / r B A, wherever it is cut, and the rest of the base", async () => {
  const [base, adapter] = [await openBase(), await open()];
  const { numParameters, find } = base.layout;
  const read = mergedParameters(base, adapter);
  const whole = await read(0, numParameters);
  const { start, shape } = find("model.layers.1.mlp.down_proj.weight");
  const [row, column, k] = [5, 77, shape[1] ?? 0];
  const factor = (name: string) =>
    adapter.layout.find(`base_model.model.model.layers.1.mlp.${name}`);
  const a = await adapter.readParameters(
    factor("down_proj.lora_A.weight").start,
    adapter.layout.numParameters,
  );
  const b = await adapter.readParameters(
    factor("down_proj.lora_B.weight").start,
    adapter.layout.numParameters,
  );
  const sum = [0, 1, 2].reduce((total, r) => total + b[row * 3 + r]! * a[r * k + column]!, 0);
  const [own] = await base.readParameters(start + row * k + column, start + row * k + column + 1);
  expect(whole[start + row * k + column]).toBeCloseTo((own ?? NaN) + (5 / 3) * sum, 6);
  expect(whole.subarray(0, 1000)).toEqual(await base.readParameters(0, 1000));
  const cut = [await read(0, start + 333), await read(start + 333, numParameters)];
  expect(Float32Array.from(cut.flatMap((part) => [...part]))).toEqual(whole);
});

test("a folder that is copied in part is refused, with the file", async () => {
  await truncate(join(dir, WEIGHTS), 30_000);
  expect(await refusal()).toMatch(/DIR\/adapter_model.safetensors.*truncated/);
  await rm(join(dir, WEIGHTS));
  expect(await refusal()).toBe(`DIR/${WEIGHTS} does not exist`);
  await rm(join(dir, CONFIG));
  expect(await refusal()).toBe(`DIR/${CONFIG} is missing: this is no adapter folder`);
});

test("an adapter of another base model is refused, with the tensor and the folder", async () => {
  expect(await refusal("qwen3")).toMatch(
    /tensor base_model\.\S+ (has|is|no).*the adapter may be of another base model than .*qwen3/,
  );
});

test("an adapter without one of its targets is refused", async () => {
  await change({ target_modules: ["q_proj"] });
  expect(await refusal()).toMatch(
    /tensor base_model.* has no place in the base model with the targets/,
  );
});

test.each([
  [{ r: 0 }, "r is 0, not an integer of at least 1"],
  [{ r: 57 }, "r is 57; it must be from 1 to the model's width, 56"],
  [{ lora_alpha: -1 }, "lora_alpha is -1"],
  [{ target_modules: ["q_proj", "lm_head"] }, 'target_modules holds "lm_head"; known are q_proj,'],
  [{ target_modules: [] }, "target_modules holds null"],
  [{ target_modules: null }, "target_modules holds null"],
  [{ peft_type: "IA3" }, 'peft_type is "IA3"; known is LORA'],
  [{ use_dora: true }, "use_dora is true, which is not supported"],
  [{ modules_to_save: ["lm_head"] }, "modules_to_save is"],
  [{ rank_pattern: { q_proj: 2 } }, "rank_pattern is"],
  [{ bias: "all" }, 'bias is "all"; supported is "none"'],
  [{ init_lora_weights: "pissa" }, 'init_lora_weights is "pissa", which changes the base model'],
])("%j is refused by field", async (fields, message) => {
  await change(fields);
  expect(await refusal()).toContain(`DIR/${CONFIG}: ${message}`);
});
