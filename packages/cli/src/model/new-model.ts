import { existsSync } from "node:fs";
import { join } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import {
  initialParameters,
  openTokenizer,
  parameterLayout,
  parseModelConfig,
  readAssets,
  requireEndToken,
  writeModelFolder,
} from "@gumshoe/engine";

const CLASSES = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
} as const;

/** Architectures of new models. */
export const FAMILIES = ["llama", "qwen2", "qwen3"] as const;

/** What a new model is made of. */
export interface NewModel {
  /** Folder to make; must not hold a model. */
  readonly out: string;
  /** Folder that the tokenizer is taken from. */
  readonly tokenizer: string;
  readonly family: (typeof FAMILIES)[number];
  /** Fields of `config.json` by their Hugging Face names. */
  readonly shape: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

/**
 * Writes a model folder with random float32 weights.
 *
 * @returns the number of its parameters
 * @throws  InvalidArgumentError, ModelConfigError naming the field, ModelFolderError
 */
export async function makeModel({
  out,
  tokenizer: dir,
  family,
  shape,
  seed,
}: NewModel): Promise<number> {
  if (existsSync(join(out, "config.json"))) {
    throw new InvalidArgumentError("out", `${out} holds a model already`, {
      suggestion: "name another folder",
    });
  }
  const assets = await readAssets(dir);
  const tokenizer = await openTokenizer({ dir, assets, config: null });
  requireEndToken(dir, tokenizer);
  const json = {
    architectures: [CLASSES[family]],
    model_type: family,
    torch_dtype: "float32",
    hidden_act: "silu",
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bos_token_id: null,
    eos_token_id: tokenizer.stopTokenIds[0],
    ...shape,
    vocab_size: shape["vocab_size"] ?? tokenizer.vocabularySize,
  };
  const config = parseModelConfig(json);
  if (config.vocabularySize < tokenizer.vocabularySize) {
    const problem = `is ${config.vocabularySize}; the tokenizer of ${dir} has ${tokenizer.vocabularySize} tokens`;
    throw new InvalidArgumentError("vocab_size", problem);
  }
  const layout = parameterLayout(config);
  await writeModelFolder(out, {
    assets: { ...assets, "config.json": JSON.stringify(json) },
    layout,
    parameters: initialParameters(config, seed),
  });
  return layout.numParameters;
}
