import { execFileSync } from "node:child_process";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

import { DamagedWeightError, ModelFolderError } from "../errors.js";
import { openModelFolder } from "./model-folder.js";

const GOLDEN = fileURLToPath(new URL("../../../../test/golden", import.meta.url));
let dir = "";

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "gumshoe-model-")), "model");
});
afterEach(async () => {
  await rm(join(dir, ".."), { recursive: true });
});

interface Stored {
  dtype: string;
  shape: number[];
  data: Uint8Array;
}

async function load(name: string): Promise<Map<string, Stored>> {
  await cp(join(GOLDEN, name), dir, { recursive: true });
  const bytes = await readFile(join(dir, "model.safetensors"));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Stored>();
  for (const [tensor, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (tensor === "__metadata__") continue;
    const data = Uint8Array.from(bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]));
    tensors.set(tensor, { dtype, shape, data });
  }
  return tensors;
}

/** @param shift  bytes by which each tensor but the first begins too early (negative: too late) */
async function store(tensors: ReadonlyMap<string, Stored>, shift = 0): Promise<void> {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [tensor, { dtype, shape, data }] of tensors) {
    if (at > 0) at -= shift;
    header[tensor] = { dtype, shape, data_offsets: [at, (at += data.length)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = [...tensors.values()].map((tensor) => tensor.data);
  const padding = Buffer.alloc(Math.max(0, -shift * tensors.size));
  await writeFile(join(dir, "model.safetensors"), Buffer.concat([length, json, ...data, padding]));
}

async function readAll(): Promise<Float32Array> {
  const folder = await openModelFolder(dir);
  try {
    return await folder.readParameters(0, folder.layout.numParameters);
  } finally {
    await folder.close();
  }
}

async function refusal(): Promise<Error> {
  const thrown: unknown = await readAll().catch((error: unknown) => error);
  if (thrown instanceof ModelFolderError || thrown instanceof DamagedWeightError) return thrown;
  throw new Error(`not refused: ${String(thrown)}`);
}

async function changeConfig(change: Record<string, unknown>): Promise<void> {
  const file = join(dir, "config.json");
  const config = JSON.parse(await readFile(file, "utf8")) as object;
  await writeFile(file, JSON.stringify({ ...config, ...change }));
}

function stored(tensors: ReadonlyMap<string, Stored>, name: string): Stored {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no ${name}`);
  return tensor;
}

function floatsOf(tensors: ReadonlyMap<string, Stored>, name: string): Float32Array {
  return new Float32Array(stored(tensors, name).data.buffer);
}

test.each([NaN, Infinity, -Infinity])(
  "a weight that is %d is named with its index",
  async (value) => {
    const tensors = await load("qwen2");
    const victim = "model.layers.1.mlp.up_proj.weight";
    const { data, shape } = stored(tensors, victim);
    new DataView(data.buffer).setFloat32(4 * (3 * (shape[1] ?? 0) + 7), value, true);
    await store(tensors);
    const error = await refusal();
    expect(error).toBeInstanceOf(DamagedWeightError);
    expect(error.message).toContain(`model.safetensors: tensor ${victim} is ${value} at [3, 7]`);
  },
);

test("a bfloat16 that is not finite is found too", async () => {
  const tensors = await load("qwen2");
  const { shape } = stored(tensors, "model.norm.weight");
  const data = new Uint8Array(2 * (shape[0] ?? 0));
  new DataView(data.buffer).setUint16(10, 0xff80, true);
  tensors.set("model.norm.weight", { dtype: "BF16", shape, data });
  await store(tensors);
  expect((await refusal()).message).toContain("is -Infinity at [5]");
});

test.each([
  ["model.norm.weight", 0],
  ["model.layers.1.post_attention_layernorm.weight", 0],
  ["model.embed_tokens.weight", 0],
  ["lm_head.weight", 0.25],
  ["model.layers.0.self_attn.q_proj.weight", 0],
  ["model.layers.1.mlp.up_proj.weight", 1],
  ["model.layers.1.mlp.down_proj.weight", 0.5],
])("%s that is %d everywhere is refused by name", async (name, value) => {
  const tensors = await load("qwen2");
  floatsOf(tensors, name).fill(value);
  await store(tensors);
  const problem = `tensor ${name} is ${value} everywhere: the file is incomplete`;
  expect((await refusal()).message).toContain(problem);
  floatsOf(tensors, name)[300] = 2;
  await store(tensors);
  if (name.endsWith("_proj.weight")) expect((await readAll()).length).toBeGreaterThan(0);
});

test("norms of one, biases of zero and layers that add nothing yet are accepted", async () => {
  const tensors = await load("qwen2");
  for (const name of tensors.keys()) {
    if (name.endsWith("norm.weight")) floatsOf(tensors, name).fill(1);
    if (/\.bias$|o_proj|down_proj/.test(name)) floatsOf(tensors, name).fill(0);
  }
  await store(tensors);
  expect((await readAll()).length).toBeGreaterThan(0);
});

test("a tied model may store its head if it equals the embedding", async () => {
  const tensors = await load("qwen2-tied");
  const before = await readAll();
  const embedding = stored(tensors, "model.embed_tokens.weight");
  tensors.set("lm_head.weight", { ...embedding, data: Uint8Array.from(embedding.data) });
  await store(tensors);
  expect(await readAll()).toEqual(before);
  stored(tensors, "lm_head.weight").data[4000] = 7;
  await store(tensors);
  expect((await refusal()).message).toContain("differs from model.embed_tokens.weight");
});

test("an untied model without a head is refused", async () => {
  await load("qwen2-tied");
  await changeConfig({ tie_word_embeddings: false });
  expect((await refusal()).message).toMatch(
    /lm_head.weight is missing.*tie_word_embeddings: false/,
  );
});

test("names without their prefix are those of a base model", async () => {
  const tensors = await load("qwen2-tied");
  const before = await readAll();
  const bare = new Map([...tensors].map(([name, one]) => [name.replace(/^model\./, ""), one]));
  await store(bare);
  expect(await readAll()).toEqual(before);
  bare.set("model.norm.weight", stored(tensors, "model.norm.weight"));
  await store(bare);
  await expect(refusal()).resolves.toBeDefined();
});

test.each([
  ["model.layers.0.self_attn.o_proj.bias", "no place"],
  ["model.layers.0.self_attn.q_proj.lora_A.weight", "an adapter"],
  ["value_head.weight", "no place"],
])("the unknown tensor %s is not ignored", async (name, problem) => {
  const tensors = await load("qwen2");
  tensors.set(name, { dtype: "F32", shape: [1], data: new Uint8Array(4) });
  await store(tensors);
  const { message } = await refusal();
  expect(message).toContain(name);
  expect(message).toContain(problem);
});

test("overlapping tensors, gaps and bytes after the last tensor are refused", async () => {
  const tensors = await load("qwen2");
  await store(tensors, 4);
  expect((await refusal()).message).toContain("overlaps");
  await store(tensors, -4);
  expect((await refusal()).message).toContain("4 bytes too late");
  await store(tensors);
  const file = join(dir, "model.safetensors");
  await writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(3)]));
  expect((await refusal()).message).toContain("3 bytes behind its last tensor");
});

test.each(["F8_E4M3", "F8_E5M2", "I8", "U8", "I64", "BOOL", "F64"])(
  "the dtype %s is refused by name",
  async (dtype) => {
    const tensors = await load("qwen2");
    stored(tensors, "model.norm.weight").dtype = dtype;
    await store(tensors);
    expect((await refusal()).message).toContain(`dtype ${dtype}`);
  },
);

test.each(["model.safetensors", "config.json", "tokenizer.json", "model.safetensors.index.json"])(
  "a Git LFS pointer instead of %s is named",
  async (name) => {
    await load("qwen2");
    if (name.endsWith("index.json")) await rm(join(dir, "model.safetensors"));
    const oid = "0123456789abcdef".repeat(4);
    const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 66\n`;
    await writeFile(join(dir, name), text);
    const { message } = await refusal();
    expect(message).toContain(join(dir, name));
    expect(message).toContain("git lfs pull");
  },
);

test.each([
  ["pytorch_model.bin", "python -c"],
  ["pytorch_model-00001-of-00002.bin", "python -c"],
  ["model.pt", "python -c"],
  ["model.ckpt", "python -c"],
  ["flax_model.msgpack", "python -c"],
  ["tf_model.h5", "python -c"],
  ["model-q4.gguf", "GGUF"],
  ["adapter_config.json", "adapter"],
  ["model-00001-of-00002.safetensors", "the index of these shards is missing"],
  ["consolidated.safetensors", "Mistral's own format"],
  ["model.fp16.safetensors", "rename it to model.safetensors"],
])("weights that exist only as %s are named", async (name, hint) => {
  await load("qwen2");
  await rename(join(dir, "model.safetensors"), join(dir, name));
  const { message } = await refusal();
  expect(message).toContain(name);
  expect(message).toContain(hint);
});

test.each([
  ["a web page", "<!doctype html><html></html>", 'a text that begins with "<!doctyp"'],
  ["a text", "Entry not found", 'a text that begins with "Entry no"'],
  ["a compressed file", "\x1f\x8b\x08\0\0\0\0\0rest", "but gzip"],
  ["a torch file", "PK\x03\x04\x14\0\x08\x08rest", "but a zip"],
  ["other bytes", "\x93NUMPY\x01\0rest", "a header of"],
])("%s in the place of the weights is called that", async (_, text, said) => {
  await load("qwen2");
  await writeFile(join(dir, "model.safetensors"), Buffer.from(text, "latin1"));
  expect((await refusal()).message).toContain(`is no safetensors file`);
  expect((await refusal()).message).toContain(said);
});

test("a file without tensors is refused, and closed", async () => {
  await load("qwen2");
  await store(new Map());
  expect((await refusal()).message).toBe(`${join(dir, "model.safetensors")} holds no tensors`);
  const open = (await readdir("/proc/self/fd").catch(() => [])).map((fd) =>
    readlink(`/proc/self/fd/${fd}`).catch(() => ""),
  );
  expect((await Promise.all(open)).filter((file) => file.startsWith(dir))).toEqual([]);
});

test("a missing shard is named", async () => {
  await load("qwen2");
  await rename(join(dir, "model.safetensors"), join(dir, "model-00001-of-00002.safetensors"));
  const map = { "model.norm.weight": "model-00002-of-00002.safetensors" };
  await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  expect((await refusal()).message).toMatch(/00002-of-00002.safetensors does not exist.*index/);
});

test.each(["..", ".", "../x", "/etc/passwd", ""])(
  "an index that names %j is refused",
  async (name) => {
    await load("qwen2");
    await rm(join(dir, "model.safetensors"));
    const text = JSON.stringify({ weight_map: { "model.norm.weight": name } });
    await writeFile(join(dir, "model.safetensors.index.json"), text);
    expect((await refusal()).message).toMatch(/not a file name|is a folder/);
  },
);

test.each(["model.safetensors", "config.json", "tokenizer.json"])(
  "a pipe or a folder in the place of %s is refused at once",
  async (name) => {
    await load("qwen2");
    await rm(join(dir, name), { force: true });
    execFileSync("mkfifo", [join(dir, name)]);
    expect((await refusal()).message).toContain("is a pipe or a device");
    await rm(join(dir, name));
    await mkdir(join(dir, name));
    expect((await refusal()).message).toContain("is a folder, not a file");
  },
);

test("a shard with a tensor that the index assigns to another file is refused", async () => {
  const tensors = await load("qwen2");
  await rename(join(dir, "model.safetensors"), join(dir, "a.safetensors"));
  await cp(join(dir, "a.safetensors"), join(dir, "b.safetensors"));
  const map = [...tensors.keys()].map((name, i) => [
    name,
    i === 0 ? "b.safetensors" : "a.safetensors",
  ]);
  const index = JSON.stringify({ weight_map: Object.fromEntries(map) as object });
  await writeFile(join(dir, "model.safetensors.index.json"), index);
  expect((await refusal()).message).toMatch(
    /b.safetensors.* lies here, but .* names a.safetensors/,
  );
});

test("a byte order mark in a JSON file is skipped, invalid UTF-8 is refused", async () => {
  await load("qwen2");
  const file = join(dir, "config.json");
  const text = await readFile(file, "utf8");
  await writeFile(file, `\ufeff${text}`);
  expect((await readAll()).length).toBeGreaterThan(0);
  for (const bytes of [
    Buffer.from(`\ufeff${text}`, "utf16le"),
    Buffer.from(`é${text}`, "latin1"),
  ]) {
    await writeFile(file, bytes);
    expect((await refusal()).message).toBe(`${file} is not text in UTF-8`);
  }
});

test("a dangling link and a cache folder without a snapshot are named", async () => {
  await load("qwen2");
  await rm(join(dir, "model.safetensors"));
  await symlink("../../blobs/gone", join(dir, "model.safetensors"));
  expect((await refusal()).message).toContain("is a link to ../../blobs/gone, where nothing is");
  await rm(join(dir, "config.json"));
  await mkdir(join(dir, "snapshots/abc"), { recursive: true });
  expect((await refusal()).message).toContain("such as snapshots/abc");
});

test("an adapter beside whole weights is refused: Transformers would load the adapter", async () => {
  await load("qwen2");
  await writeFile(join(dir, "adapter_config.json"), "{}");
  expect((await refusal()).message).toContain("adapter_config.json lies beside model.safetensors");
});
