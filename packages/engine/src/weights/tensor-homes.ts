import { ModelFolderError } from "../errors.js";
import type { ModelConfig } from "./model-config.js";
import type { ParameterLayout } from "./parameter-layout.js";
import type { SafetensorsFile } from "./safetensors-file.js";

/** Location of a parameter. */
export interface TensorHome {
  readonly file: SafetensorsFile;
  /** Its name in that file. */
  readonly name: string;
}

/** A model's files and their expected content. */
interface Folder {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** Key: tensor name. */
  readonly shards: ReadonlyMap<string, SafetensorsFile>;
}

/** Prefix that base models, saved without a head, omit from all names. */
const PREFIX = "model.";
const HEAD = "lm_head.weight";
const EMBEDDING = "model.embed_tokens.weight";
/** Elements of two tensors that are compared at a time. */
const COMPARED_AT_ONCE = 1 << 22;

/**
 * Finds the file of every parameter and checks its tensor, in the order of the layout.
 *
 * @throws ModelFolderError naming file and tensor: missing, of another shape, or unknown
 */
export async function findHomes(folder: Folder): Promise<TensorHome[]> {
  const { dir, layout, shards } = folder;
  const prefix = prefixOf(shards);
  const stored = (name: string) =>
    name.startsWith(PREFIX) ? prefix + name.slice(PREFIX.length) : name;
  const known = new Set(layout.entries.map(({ name }) => stored(name)));
  for (const [name, file] of shards) {
    if (known.has(name) || mayBeIgnored(name)) continue;
    if (name === HEAD && folder.config.tiedHead)
      await checkTiedHead(file, folder, stored(EMBEDDING));
    else throw withoutPlace(file, name);
  }
  return layout.entries.map(({ name, shape }) => {
    const file = shards.get(stored(name));
    if (file === undefined) throw missing(shards.values().next().value?.file ?? dir, name);
    file.check(stored(name), shape);
    return { file, name: stored(name) };
  });
}

/** Base models omit the prefix `model.`; a folder with both kinds of names is refused. */
function prefixOf(shards: Folder["shards"]): string {
  const names = [...shards.keys()];
  const isBase = names.some((name) => name === EMBEDDING.slice(PREFIX.length));
  return isBase && !names.some((name) => name.startsWith(PREFIX)) ? "" : PREFIX;
}

/** Older files contain rotary tables and masks, which are computed here. */
function mayBeIgnored(name: string): boolean {
  return /(?:^|\.)(?:rotary_emb\.inv_freq|self_attn\.(?:masked_bias|bias))$/.test(name);
}

function withoutPlace(file: SafetensorsFile, tensor: string): ModelFolderError {
  const isAdapter = /lora_|adapter|modules_to_save/.test(tensor);
  const hint = isAdapter ? " (an adapter: merge it into its base model first)" : "";
  const problem = `has no place in the model of config.json${hint}`;
  return new ModelFolderError({ file: file.file, tensor }, problem);
}

function missing(file: string, tensor: string): ModelFolderError {
  const hint =
    tensor === HEAD
      ? ", and config.json has tie_word_embeddings: false: the head would be random"
      : "";
  return new ModelFolderError({ file, tensor }, `is missing${hint}`);
}

/** A tied model's file may contain the head too, if it equals the embedding. */
async function checkTiedHead(head: SafetensorsFile, folder: Folder, embedding: string) {
  const { vocabularySize, width } = folder.config;
  const other = folder.shards.get(embedding);
  if (other === undefined) throw missing(head.file, embedding);
  head.check(HEAD, [vocabularySize, width]);
  other.check(embedding, [vocabularySize, width]);
  const total = vocabularySize * width;
  for (let start = 0; start < total; start += COMPARED_AT_ONCE) {
    const end = Math.min(total, start + COMPARED_AT_ONCE);
    const a = await head.read(HEAD, start, end);
    const b = await other.read(embedding, start, end);
    if (a.every((value, i) => value === b[i])) continue;
    const problem = `differs from ${embedding}, but config.json has tie_word_embeddings: true`;
    throw new ModelFolderError({ file: head.file, tensor: HEAD }, problem);
  }
}
