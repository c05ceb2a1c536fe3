import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { ModelFolderError } from "../errors.js";
import { type ParameterLayout } from "./parameter-layout.js";
import { safetensorsHeader } from "./safetensors-header.js";

/** What a model folder is made of. */
export interface ModelFolderContent {
  /** File name to content; `config.json` must be among them. */
  readonly assets: Readonly<Record<string, string>>;
  readonly layout: ParameterLayout;
  /** [numParameters] f32, in canonical order. */
  readonly parameters: Float32Array;
}

/**
 * Writes a model folder that Transformers loads as it is.
 *
 * Each file is whole or absent (temporary name, fsync, rename), and `config.json` comes last: a
 * folder that was begun and not finished is no model folder. Other files in it are left alone.
 *
 * @throws ModelFolderError when the content does not fit together
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
  await replaceFile(join(dir, "model.safetensors"), [safetensorsHeader(layout), data]);
  for (const [name, text] of Object.entries(content.assets)) {
    if (name !== "config.json") await replaceFile(join(dir, name), [Buffer.from(text)]);
  }
  await replaceFile(join(dir, "config.json"), [Buffer.from(float32Config(config))]);
  await syncFolder(dir);
}

/**
 * Returns a `config.json` that says its weights are float32: Transformers would otherwise cast them
 * to the type that the model was first published in.
 */
export function float32Config(text: string): string {
  const config = JSON.parse(text) as Record<string, unknown>;
  for (const field of ["dtype", "torch_dtype"]) {
    if (Object.hasOwn(config, field)) config[field] = "float32";
  }
  return `${JSON.stringify(config, null, 2)}\n`;
}

async function replaceFile(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${file}.partial`;
  try {
    const handle = await open(temporary, "w");
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
