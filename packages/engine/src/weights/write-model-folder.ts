import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile, writeDurably, writeWhole } from "@gumshoe/core";

import { ModelFolderError } from "../errors.js";
import { encodeFloats, FLOAT_NAMES, type FloatFormat } from "./float-format.js";
import type { ParameterLayout } from "./parameter-layout.js";
import { safetensorsHeader } from "./safetensors-header.js";

/** Content of a model folder. */
export interface ModelFolderContent {
  /** File name to content; `config.json` must be among them. */
  readonly assets: Readonly<Record<string, string>>;
  readonly layout: ParameterLayout;
  /** [numParameters] f32 in canonical order, or a function that reads elements [start, end) of them. */
  readonly parameters: Float32Array | ReadParameters;
  /** How the weights are stored; default F32. */
  readonly format?: FloatFormat;
}

/** Reads elements [start, end) of a flat vector. */
type ReadParameters = (start: number, end: number) => Promise<Float32Array>;

/** Elements that are written at a time. */
const WRITTEN_AT_ONCE = 1 << 20;

/**
 * Writes a model folder that Transformers can load.
 *
 * Each file is whole or absent (temporary name, fsync, rename). `config.json` is written last, so an unfinished
 * folder is not a model folder. Other files in the folder are kept.
 *
 * @throws ModelFolderError when the content is inconsistent; UnstorableWeightError
 */
export async function writeModelFolder(dir: string, content: ModelFolderContent): Promise<void> {
  const { layout, parameters, format = "F32" } = content;
  const config = content.assets["config.json"];
  if (config === undefined) {
    throw new ModelFolderError({ file: join(dir, "config.json") }, "is not among the assets");
  }
  if (typeof parameters !== "function" && parameters.length !== layout.numParameters) {
    const problem = `would hold ${parameters.length} parameters, not ${layout.numParameters}`;
    throw new ModelFolderError({ file: join(dir, "model.safetensors") }, problem);
  }
  await mkdir(dir, { recursive: true });
  await replaceFile(join(dir, "model.safetensors"), (temporary) =>
    writeFile(temporary, weightsFile(content, format), { flush: true }),
  );
  for (const [name, text] of Object.entries(content.assets)) {
    if (name !== "config.json") await writeWhole(join(dir, name), text);
  }
  await writeDurably(join(dir, "config.json"), configWithFormat(config, format));
}

async function* weightsFile(
  { layout, parameters }: ModelFolderContent,
  format: FloatFormat,
): AsyncGenerator<Uint8Array> {
  yield safetensorsHeader(layout, format);
  for (let start = 0; start < layout.numParameters; start += WRITTEN_AT_ONCE) {
    const end = Math.min(layout.numParameters, start + WRITTEN_AT_ONCE);
    const isRead = typeof parameters === "function";
    const values = isRead ? await parameters(start, end) : parameters.subarray(start, end);
    yield encodeFloats(values, format);
  }
}

/**
 * Returns a `config.json` that states the stored dtype of the weights; otherwise Transformers would cast them to
 * the dtype in which the model was first published.
 */
export function configWithFormat(text: string, format: FloatFormat): string {
  const config = JSON.parse(text) as Record<string, unknown>;
  for (const field of ["dtype", "torch_dtype"]) {
    if (Object.hasOwn(config, field)) config[field] = FLOAT_NAMES[format];
  }
  return `${JSON.stringify(config, null, 2)}\n`;
}
