import { readdir } from "node:fs/promises";

/** Extensions of weight files that are not supported. */
const OTHER = /\.(?:bin|pt|pth|ckpt|gguf|ggml|msgpack|h5|onnx|npz)$/;
/** Those that Transformers can load and save as safetensors. */
const CONVERTIBLE = /^(?:pytorch_model.*\.bin|tf_model\.h5|flax_model\.msgpack)$/;

const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/**
 * Describes the other weights in a folder without safetensors, and how to convert them; returns an empty text if
 * there are none.
 */
export async function describeOtherWeights(dir: string): Promise<string> {
  const names = (await readdir(dir)).sort();
  if (names.includes("adapter_config.json")) {
    return "; it holds an adapter alone (adapter_config.json): merge it into its base model first";
  }
  const others = names.filter((name) => OTHER.test(name) && !name.startsWith("training_args"));
  const [first] = others;
  if (first === undefined) return describeSafetensors(names);
  const found = others.length === 1 ? first : `${first} and ${others.length - 1} more`;
  if (first.endsWith(".gguf")) {
    return `; it holds ${found}: a GGUF file is not read, take the model as safetensors`;
  }
  const what = CONVERTIBLE.test(first) ? "that" : "a file that Transformers loads";
  const command =
    "python -c 'import sys; from transformers import AutoModelForCausalLM as M; " +
    `M.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1])' ${JSON.stringify(dir)}`;
  return `; it holds ${found}, which may run code when it is loaded; convert ${what} once: ${command}`;
}

/** Says what safetensors files of other names may be. */
function describeSafetensors(names: readonly string[]): string {
  const tensors = names.filter((name) => name.endsWith(".safetensors"));
  const shard = tensors.find((name) => SHARD.test(name));
  if (shard !== undefined) {
    return `; it holds ${shard}: the index of these shards is missing, copy it as well`;
  }
  const own = tensors.find((name) => name.startsWith("consolidated"));
  if (own !== undefined) {
    return `; it holds ${own}, in Mistral's own format: take the model in that of Transformers`;
  }
  const other = tensors.find((name) => name.startsWith("model")) ?? tensors[0];
  if (other === undefined) return "";
  return `; it holds ${other}: rename it to model.safetensors if it is the whole model`;
}
