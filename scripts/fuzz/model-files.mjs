/**
 * Files of a model folder: config and weights, the names of their files, an adapter's config, and the optimizer's state.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  adapterLayout,
  openModelFolder,
  parameterLayout,
  parseModelConfig,
  withAdapter,
} from "@gumshoe/engine";

import { parseAdapterFields } from "../../packages/engine/dist/weights/adapter-fields.js";
import { SafetensorsFile } from "../../packages/engine/dist/weights/safetensors-file.js";
import { openMoments } from "../../packages/worker/dist/reducer/optimizer-file.js";
import { jsonOf, makeFolder, parseJson } from "./files.mjs";

const CONFIGS = ["llama3", "qwen2", "qwen2-tied", "qwen3"].map((name) =>
  jsonOf(`test/golden/${name}/config.json`),
);
const WORDS = ["dtype", "shape", "data_offsets", "BF16", "F16", "I64"];

function tensor(shape, begin, end) {
  return { dtype: "F32", shape, data_offsets: [begin, end] };
}

/** Returns the bytes of a safetensors file from its header; its floats are 1, 2, 3, ... */
function bytesOf(text, dataBytes) {
  const json = Buffer.from(text);
  const bytes = Buffer.alloc(8 + json.length + dataBytes);
  bytes.writeBigUInt64LE(BigInt(json.length));
  json.copy(bytes, 8);
  const start = 8 + json.length;
  for (let i = 0; i + 4 <= dataBytes; i += 4) bytes.writeFloatLE(i / 4 + 1, start + i);
  return bytes;
}

/** Returns a file with a mutated header or a mutated byte. */
function changedFile(mutator, header, dataBytes) {
  const text = mutator.chance(0.7) ? mutator.json([header]) : mutator.text([]);
  const bytes = bytesOf(text, dataBytes);
  return mutator.chance(0.2) ? mutator.changedBytes(bytes) : bytes;
}

const safetensors = {
  name: "safetensors",
  open: async () => {
    const folder = makeFolder();
    const file = join(folder.path, "model.safetensors");
    const header = {
      __metadata__: { format: "pt" },
      a: tensor([2, 2], 0, 16),
      b: tensor([3], 16, 28),
    };
    return {
      words: WORDS,
      make: (mutator) => changedFile(mutator, header, 28),
      read: async (bytes) => {
        writeFileSync(file, bytes);
        const opened = await SafetensorsFile.open(file);
        try {
          for (const [name, { shape }] of opened.tensors) {
            opened.check(name, shape);
            const numElements = shape.reduce((product, size) => product * size, 1);
            await opened.read(name, 0, numElements);
          }
        } finally {
          await opened.close();
        }
      },
      close: () => folder.remove(),
    };
  },
};

const moments = {
  name: "moments",
  open: async () => {
    const folder = makeFolder();
    const header = { exp_avg: tensor([2], 0, 8), exp_avg_sq: tensor([2], 8, 16) };
    return {
      words: WORDS,
      make: (mutator) => changedFile(mutator, header, 16),
      read: async (bytes) => {
        writeFileSync(join(folder.path, "optimizer.moments"), bytes);
        const file = await openMoments(folder.path);
        const { m, v } = await file.read(0, 2).finally(() => file.close());
        if (m.length !== 2 || v.length !== 2) throw new Error("gives other lengths");
      },
      close: () => folder.remove(),
    };
  },
};

/** Returns a minimal model with one layer. */
const TINY = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  vocab_size: 8,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  hidden_act: "silu",
};

const modelFolders = {
  name: "model-folders",
  open: async () => {
    const folder = makeFolder();
    const shard = "model-1.safetensors";
    const { header, dataBytes } = headerOf(TINY);
    const names = Object.keys(header);
    const index = {
      metadata: { total_size: dataBytes },
      weight_map: Object.fromEntries(names.map((name) => [name, shard])),
    };
    const write = (name, data) => writeFileSync(join(folder.path, name), data);
    return {
      words: [...WORDS, ...names, "weight_map", "../x.safetensors"],
      make: (mutator) => ({
        config: mutator.chance(0.2) ? mutator.json([TINY]) : JSON.stringify(TINY),
        index: mutator.chance(0.4) ? mutator.json([index]) : JSON.stringify(index),
        header: mutator.chance(0.4) ? mutator.json([header]) : JSON.stringify(header),
      }),
      read: async (files) => {
        write("config.json", files.config);
        write("model.safetensors.index.json", files.index);
        write(shard, bytesOf(files.header, dataBytes));
        const opened = await openModelFolder(folder.path);
        try {
          await opened.checkWeights();
        } finally {
          await opened.close();
        }
      },
      close: () => folder.remove(),
    };
  },
};

/** Returns the header of a file with all parameters of a model. */
function headerOf(config) {
  const header = {};
  let end = 0;
  for (const { name, shape } of parameterLayout(parseModelConfig(config)).entries) {
    const begin = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = tensor(shape, begin, end);
  }
  return { header, dataBytes: end };
}

const modelConfigs = {
  name: "model-configs",
  open: async () => ({
    words: [...Object.keys(CONFIGS[0]), "rope_scaling", "yarn", "llama3", "sliding_window"],
    make: (mutator) => mutator.json(CONFIGS),
    read: (text) =>
      parseJson(text, (value) => {
        const { numParameters } = parameterLayout(parseModelConfig(value));
        if (!(numParameters > 0)) throw new Error(`has ${numParameters} parameters`);
      }),
  }),
};

const adapterConfigs = {
  name: "adapter-configs",
  open: async () => {
    const base = parseModelConfig(jsonOf("test/golden/qwen2-tied/config.json"));
    const config = jsonOf("test/golden/lora/adapter_config.json");
    return {
      words: [...Object.keys(config), ...config.target_modules, "all-linear", "pissa", "LORA"],
      make: (mutator) => mutator.json([config]),
      read: (text) =>
        parseJson(text, (value) => {
          const { adapter } = parseAdapterFields(value, base);
          const { numParameters } = adapterLayout(withAdapter(base, adapter));
          if (!(numParameters > 0)) throw new Error(`has ${numParameters} parameters`);
        }),
    };
  },
};

export const MODEL_FILES = [modelConfigs, adapterConfigs, safetensors, modelFolders, moments];
