import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile, writeDurably, writeWhole } from "@gumshoe/core";

import { ModelConfigError, ModelFolderError } from "../errors.js";
import {
  type AdapterFields,
  adapterFieldsText,
  type BaseName,
  parseAdapterFields,
  parseBaseName,
} from "./adapter-fields.js";
import { adapterLayout, withAdapter } from "./adapter-layout.js";
import { parseJson, readIfThere } from "./assets.js";
import type { FloatFormat } from "./float-format.js";
import type { ModelConfig } from "./model-config.js";
import { ADAPTER_CONFIG, type ModelFolder } from "./model-folder.js";
import type { ParameterLayout } from "./parameter-layout.js";
import { SafetensorsFile } from "./safetensors-file.js";
import { safetensorsHeader } from "./safetensors-header.js";
import { storedParameters, type StoredParameters } from "./stored-parameters.js";

/** Name of the file with an adapter's weights. */
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";
/** Key of the base model's digest in that file's header. */
const BASE_DIGEST = "base_digest";

/** An open PEFT adapter folder. */
export interface AdapterFolder extends StoredParameters, AdapterFields {
  readonly dir: string;
  /** The base model with this adapter. */
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** Digest of the weights that it was trained on; null if another program wrote it. */
  readonly baseDigest: string | null;
  close(): Promise<void>;
}

/** Returns whether a folder holds an adapter, whole or not. */
export async function isAdapterFolder(dir: string): Promise<boolean> {
  return (await stat(join(dir, ADAPTER_CONFIG)).catch(() => null)) !== null;
}

/**
 * Opens an adapter folder and checks that every factor is there once, whole and in the shape that the base model
 * asks for, and nothing else.
 *
 * @throws ModelFolderError naming the file and the tensor; ModelConfigError naming the field
 */
export async function openAdapterFolder(
  dir: string,
  base: Pick<ModelFolder, "dir" | "config">,
): Promise<AdapterFolder> {
  const configFile = join(dir, ADAPTER_CONFIG);
  const json = await readAdapterConfig(dir);
  const fields = inFile(configFile, () => parseAdapterFields(json, base.config));
  const config = withAdapter(base.config, fields.adapter);
  const layout = adapterLayout(config);
  const weights = await SafetensorsFile.open(join(dir, ADAPTER_WEIGHTS));
  try {
    checkTensors(weights, layout, base.dir);
    const homes = layout.entries.map(({ name }) => ({ file: weights, name }));
    const baseDigest = weights.metadata[BASE_DIGEST] ?? null;
    const close = () => weights.close();
    return {
      dir,
      ...fields,
      config,
      layout,
      baseDigest,
      ...storedParameters(layout, homes),
      close,
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/**
 * Reads which model an adapter folder is for.
 *
 * @throws ModelFolderError, ModelConfigError; also if the folder names no base model
 */
export async function readBaseName(dir: string): Promise<BaseName & { readonly name: string }> {
  const file = join(dir, ADAPTER_CONFIG);
  const json = await readAdapterConfig(dir);
  const { name, revision } = inFile(file, () => parseBaseName(json));
  if (name !== null) return { name, revision };
  throw new ModelConfigError("base_model_name_or_path", "is missing", file);
}

async function readAdapterConfig(dir: string): Promise<unknown> {
  const file = join(dir, ADAPTER_CONFIG);
  const text = await readIfThere(file);
  if (text === null) {
    throw new ModelFolderError({ file }, "is missing: this is no adapter folder");
  }
  return parseJson(file, text);
}

/** Names the file in an error about a field of it. */
function inFile<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ModelConfigError)) throw error;
    throw new ModelConfigError(error.field, error.problem, file);
  }
}

function checkTensors(weights: SafetensorsFile, layout: ParameterLayout, base: string): void {
  const known = new Set(layout.entries.map(({ name }) => name));
  const hint = `; the adapter may be of another base model than ${base}`;
  for (const tensor of weights.tensors.keys()) {
    if (known.has(tensor)) continue;
    const problem = `has no place in the base model with the targets of ${ADAPTER_CONFIG}${hint}`;
    throw new ModelFolderError({ file: weights.file, tensor }, problem);
  }
  for (const { name, shape } of layout.entries) {
    try {
      weights.check(name, shape);
    } catch (error) {
      if (!(error instanceof ModelFolderError)) throw error;
      throw new ModelFolderError({ file: weights.file, tensor: name }, `${error.problem}${hint}`);
    }
  }
}

/** Content of an adapter folder. */
export interface AdapterFolderContent extends AdapterFields {
  /** The base model with this adapter. */
  readonly config: ModelConfig;
  /** Digest of the base model's weights. */
  readonly baseDigest: string;
  /** f32, in canonical order. */
  readonly parameters: Float32Array;
  /** File name to content of further files, such as the tokenizer's. */
  readonly assets: Readonly<Record<string, string>>;
}

/** Returns the header of an adapter's weights, which states the digest of its base model. */
export function adapterHeader(
  layout: ParameterLayout,
  baseDigest: string,
  dtype: FloatFormat = "F32",
): Uint8Array {
  return safetensorsHeader(layout, dtype, { format: "pt", [BASE_DIGEST]: baseDigest });
}

/**
 * Writes an adapter folder that PEFT loads. Each file is whole or absent; `adapter_config.json` is written last, so
 * an unfinished folder is not an adapter folder.
 */
export async function writeAdapterFolder(
  dir: string,
  content: AdapterFolderContent,
): Promise<void> {
  const { parameters, baseDigest, config } = content;
  await mkdir(dir, { recursive: true });
  const header = adapterHeader(adapterLayout(config), baseDigest);
  const data = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  await replaceFile(join(dir, ADAPTER_WEIGHTS), (temporary) =>
    writeFile(temporary, [header, data], { flush: true }),
  );
  for (const [name, text] of Object.entries(content.assets))
    await writeWhole(join(dir, name), text);
  await writeDurably(join(dir, ADAPTER_CONFIG), adapterFieldsText(content));
}
