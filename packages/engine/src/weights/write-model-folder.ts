import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { replaceFile, writeDurably, writeWhole } from "@gumshoe/core";

import { ModelFolderError } from "../errors.js";
import { FLOAT_NAMES, type FloatFormat } from "./float-format.js";
import { type ParameterLayout } from "./parameter-layout.js";
import { safetensorsHeader } from "./safetensors-header.js";

/** Content of a model folder. */
export interface ModelFolderContent {
  /** File name to content; `config.json` must be among them. */
  readonly assets: Readonly<Record<string, string>>;
  readonly layout: ParameterLayout;
  /** [numParameters] f32, in canonical order. */
  readonly parameters: Float32Array;
}

/**
 * Writes a model folder that Transformers can load.
 *
 * Each file is whole or absent (temporary name, fsync, rename). `config.json` is written last, so an unfinished
 * folder is not a model folder. Other files in the folder are kept.
 *
 * @throws ModelFolderError when the content is inconsistent
 */
export async function writeModelFolder(dir: string, content: ModelFolderContent): Promise<void> {
  const { layout, parameters } = content;
  const config = content.assets["config.json"];
  if (config === undefined) {
    throw new ModelFolderError({ file: join(dir, "config.json") }, "is not among the assets");
  }
  if (parameters.length !== layout.numParameters) {
    const problem = `would hold ${parameters.length} parameters, not ${layout.numParameters}`;
    throw new ModelFolderError({ file: join(dir, "model.safetensors") }, problem);
  }
  await mkdir(dir, { recursive: true });
  const data = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  await replaceFile(join(dir, "model.safetensors"), (temporary) =>
    writeFile(temporary, [safetensorsHeader(layout), data], { flush: true }),
  );
  for (const [name, text] of Object.entries(content.assets)) {
    if (name !== "config.json") await writeWhole(join(dir, name), text);
  }
  await writeDurably(join(dir, "config.json"), configWithFormat(config, "F32"));
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
