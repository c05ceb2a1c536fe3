import { HubRefusedError } from "./errors.js";
import type { HubFile } from "./hub-files.js";

/** Text files that describe a model. */
const ABOUT = ["README.md", "LICENSE"];
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/**
 * Selects the files of a repository to download; of the weights, only supported formats.
 *
 * @param options.texts  names of the text files that a model folder needs
 * @param options.only   `tokenizer` leaves out the weights
 * @throws               HubRefusedError when there are no weights in safetensors
 */
export function chooseFiles(
  model: string,
  files: readonly HubFile[],
  { texts: names, only = "model" }: { texts: readonly string[]; only?: "model" | "tokenizer" },
): { texts: HubFile[]; weights: HubFile[] } {
  const texts = files.filter(({ path }) => names.includes(path) || ABOUT.includes(path));
  if (only === "tokenizer") return { texts, weights: [] };
  const single = files.filter(({ path }) => path === WEIGHTS);
  const parts = files.filter(({ path }) => path === INDEX || SHARD.test(path));
  const weights = single.length > 0 ? single : parts;
  if (weights.length > 0) return { texts, weights };
  const others = files.filter(({ path }) => /\.(bin|pth?|gguf|onnx|h5|msgpack)$/.test(path));
  const found =
    others.length === 0
      ? ""
      : `, only ${others
          .map(({ path }) => path)
          .slice(0, 3)
          .join(", ")}`;
  throw new HubRefusedError(
    model,
    `has no weights in safetensors${found}; choose a model that has`,
  );
}
