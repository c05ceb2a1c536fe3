import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

import { ModelConfigError, ModelFolderError } from "../errors.js";
import { openModelFolder } from "./model-folder.js";
import type { ParameterLayout } from "./parameter-layout.js";
import { safetensorsHeader } from "./safetensors-header.js";
import { writeModelFolder } from "./write-model-folder.js";

const GOLDEN = fileURLToPath(new URL("../../../../test/golden", import.meta.url));
let dir = "";

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "gumshoe-model-")), "model");
});
afterEach(async () => {
  await rm(join(dir, ".."), { recursive: true });
});

async function parametersOf(folderDir: string): Promise<Float32Array> {
  const folder = await openModelFolder(folderDir);
  try {
    return await folder.readParameters(0, folder.layout.numParameters);
  } finally {
    await folder.close();
  }
}

async function refusal(folderDir: string): Promise<ModelFolderError> {
  const thrown: unknown = await openModelFolder(folderDir).catch((error: unknown) => error);
  if (thrown instanceof ModelFolderError) return thrown;
  throw new Error(`no ModelFolderError but ${String(thrown)}`);
}

/** Writes a safetensors file of the given tensors. */
async function writeTensors(
  file: string,
  tensors: Record<string, { dtype: string; shape: number[]; data: Uint8Array }>,
): Promise<void> {
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, (offset += data.length)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = Object.values(tensors).map((tensor) => tensor.data);
  await writeFile(file, Buffer.concat([length, json, ...data]));
}

function bytesOf(layout: ParameterLayout, parameters: Float32Array, name: string): Uint8Array {
  const { start, end } = layout.find(name);
  return new Uint8Array(parameters.slice(start, end).buffer);
}

test.each(["qwen2", "qwen2-tied", "qwen3", "llama3"])(
  "the %s folder is read, written and read again without a changed bit",
  async (name) => {
    const folder = await openModelFolder(join(GOLDEN, name));
    const { layout, assets } = folder;
    const parameters = await folder.readParameters(0, layout.numParameters);
    await folder.close();
    await writeModelFolder(dir, { assets, layout, parameters });
    expect(await parametersOf(dir)).toEqual(parameters);
  },
);

test("any range of the flat vector can be read", async () => {
  const folder = await openModelFolder(join(GOLDEN, "qwen2-tied"));
  const total = folder.layout.numParameters;
  const whole = await folder.readParameters(0, total);
  for (const [start, end] of [
    [0, 1],
    [13_999, 14_077],
    [14_000, 14_000],
    [total - 5, total],
  ] as const) {
    expect(await folder.readParameters(start, end)).toEqual(whole.slice(start, end));
  }
  await expect(folder.readParameters(0, total + 1)).rejects.toThrow(RangeError);
  await folder.close();
});

test("shards and half-precision tensors are read as one float32 vector", async () => {
  const source = await openModelFolder(join(GOLDEN, "llama3"));
  const { layout } = source;
  const parameters = await source.readParameters(0, layout.numParameters);
  await source.close();
  // With 16-bit weights, the original numbers are bfloat16 too.
  const rounded = new Uint32Array(parameters.buffer).map((bits) => bits & 0xffff0000);
  const expected = new Float32Array(rounded.buffer);
  await cp(join(GOLDEN, "llama3"), dir, { recursive: true });
  await rm(join(dir, "model.safetensors"));
  const weightMap: Record<string, string> = {};
  for (const shard of [0, 1, 2]) {
    const file = `model-${shard}.safetensors`;
    const own = layout.entries.filter((_, i) => i % 3 === shard);
    const tensors = own.map(({ name, shape, start, end }) => {
      weightMap[name] = file;
      const words = Uint16Array.from(rounded.slice(start, end), (bits) => bits >>> 16);
      const brief = { dtype: "BF16", shape: [...shape], data: new Uint8Array(words.buffer) };
      const data = new Uint8Array(expected.slice(start, end).buffer);
      return [name, shard === 0 ? brief : { dtype: "F32", shape: [...shape], data }] as const;
    });
    await writeTensors(join(dir, file), Object.fromEntries(tensors));
  }
  const index = join(dir, "model.safetensors.index.json");
  await writeFile(index, JSON.stringify({ metadata: {}, weight_map: weightMap }));
  expect(await parametersOf(dir)).toEqual(expected);

  await writeFile(index, JSON.stringify({ weight_map: { x: "../elsewhere.safetensors" } }));
  expect((await refusal(dir)).tensor).toBe("x");
});

test("a missing tensor, a wrong shape and an unknown dtype are named", async () => {
  const source = await openModelFolder(join(GOLDEN, "qwen2"));
  const { layout } = source;
  const parameters = await source.readParameters(0, layout.numParameters);
  await source.close();
  await cp(join(GOLDEN, "qwen2"), dir, { recursive: true });
  const file = join(dir, "model.safetensors");
  const victim = "model.layers.1.mlp.up_proj.weight";
  const whole = Object.fromEntries(
    layout.entries.map(({ name, shape }) => [
      name,
      { dtype: "F32", shape: [...shape], data: bytesOf(layout, parameters, name) },
    ]),
  );
  const victimData = bytesOf(layout, parameters, victim);
  const without = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== victim));
  const broken: [tensors: typeof whole, problem: string][] = [
    [without, "is missing"],
    [{ ...whole, [victim]: { dtype: "F32", shape: [64, 112], data: victimData } }, "[112, 64]"],
    [{ ...whole, [victim]: { dtype: "I8", shape: [112, 64], data: victimData } }, "dtype I8"],
    [{ ...whole, [victim]: { dtype: "F16", shape: [112, 64], data: victimData } }, "28672 bytes"],
  ];
  for (const [tensors, problem] of broken) {
    await writeTensors(file, tensors);
    const error = await refusal(dir);
    expect(error.message).toContain(problem);
    expect([error.file, error.tensor]).toEqual([file, victim]);
  }
  const extra = { dtype: "F32", shape: [1], data: new Uint8Array(4) };
  await writeTensors(file, { ...whole, "model.layers.2.mlp.up_proj.weight": extra });
  expect((await refusal(dir)).message).toContain("has no place");
});

test("a truncated file is refused, wherever it was cut", async () => {
  await cp(join(GOLDEN, "qwen2"), dir, { recursive: true });
  const file = join(dir, "model.safetensors");
  const size = (await readFile(file)).length;
  for (const [length, problem] of [
    [size - 1, "truncated"],
    [1000, "truncated"],
    [5, "only 5 bytes"],
    [0, "only 0 bytes"],
  ] as const) {
    await truncate(file, length);
    const error = await refusal(dir);
    expect(error.message).toContain(problem);
    expect(error.file).toBe(file);
  }
});

test("a file that is not safetensors is refused", async () => {
  await cp(join(GOLDEN, "qwen2"), dir, { recursive: true });
  const file = join(dir, "model.safetensors");
  await writeFile(file, "version https://example.org/spec/v1\n");
  expect((await refusal(dir)).message).toContain("no safetensors file");
  const header = Buffer.from(`${"\u0005\0\0\0\0\0\0\0"}{"a":`, "latin1");
  await writeFile(file, header);
  expect((await refusal(dir)).message).toContain("not JSON");
  await writeTensors(file, {});
  expect((await refusal(dir)).message).toContain("no tensor");
});

test("a missing or incomplete folder is refused, and the message names the problem", async () => {
  expect((await refusal(dir)).message).toContain("does not exist");
  expect((await refusal(join(GOLDEN, "algorithm.json"))).message).toContain("not a folder");
  expect((await refusal(join(GOLDEN, "temporal-clue"))).file).toContain("config.json");
  await cp(join(GOLDEN, "qwen2"), dir, { recursive: true });
  await rm(join(dir, "model.safetensors"));
  expect((await refusal(dir)).message).toContain("has no model.safetensors");
  await writeFile(join(dir, "config.json"), "{");
  expect((await refusal(dir)).message).toContain("not JSON");
  await writeFile(join(dir, "config.json"), `{"model_type": "bert"}`);
  await expect(openModelFolder(dir)).rejects.toThrow(ModelConfigError);
  await expect(openModelFolder(dir)).rejects.toThrow(join(dir, "config.json"));
});

test("the flat vector follows the header, so that ranges can be written independently", async () => {
  const folder = await openModelFolder(join(GOLDEN, "qwen3"));
  const { layout, assets } = folder;
  const parameters = await folder.readParameters(0, layout.numParameters);
  await folder.close();
  await writeModelFolder(dir, { assets, layout, parameters });
  const bytes = await readFile(join(dir, "model.safetensors"));
  const header = safetensorsHeader(layout);
  expect(header.length % 8).toBe(0);
  expect(bytes.length).toBe(header.length + 4 * layout.numParameters);
  const at = 1234;
  expect(bytes.readFloatLE(header.length + 4 * at)).toBe(parameters[at]);
});

test("a written config states float32, and parameters that do not fit are refused", async () => {
  const folder = await openModelFolder(join(GOLDEN, "qwen2-tied"));
  const { layout } = folder;
  const parameters = await folder.readParameters(0, layout.numParameters);
  await folder.close();
  const config = JSON.parse(folder.assets["config.json"] ?? "") as Record<string, unknown>;
  config["torch_dtype"] = "bfloat16";
  const assets = { "config.json": JSON.stringify(config), "tokenizer.json": "{}" };
  await writeModelFolder(dir, { assets, layout, parameters });
  const written = JSON.parse(await readFile(join(dir, "config.json"), "utf8")) as object;
  expect(written).toMatchObject({ torch_dtype: "float32", vocab_size: 250 });
  expect(await readFile(join(dir, "tokenizer.json"), "utf8")).toBe("{}");
  const short = { assets, layout, parameters: parameters.subarray(1) };
  await expect(writeModelFolder(dir, short)).rejects.toThrow("parameters");
  await expect(writeModelFolder(dir, { ...short, assets: {} })).rejects.toThrow("config.json");
});
