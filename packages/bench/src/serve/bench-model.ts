import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  initialParameters,
  parameterLayout,
  trainByteLevelBpe,
  writeModelFolder,
} from "@gumshoe/engine";

import { shapeConfig, shapeFields, type ShapeName } from "../engine/shapes.js";

const TEXTS = ["Miss Scarlet moved from the Hall to the Study at 9:30 PM.\n"];
const END = "<end>";

/** Writes a model with random weights, and a tokenizer in which every id has a text; returns its new folder. */
export async function writeBenchModel(shape: ShapeName): Promise<string> {
  const config = shapeConfig(shape);
  const folder = await mkdtemp(join(tmpdir(), "gumshoe-bench-"));
  const tokenizer = trainByteLevelBpe(TEXTS, { vocabularySize: 300, specialTokens: [END] });
  const { vocab } = tokenizer["model"] as { vocab: Record<string, number> };
  const numLearnt = Object.keys(vocab).length;
  for (let id = numLearnt; id < config.vocabularySize; id++) vocab[`word${id}`] = id;
  await writeModelFolder(folder, {
    assets: {
      "config.json": JSON.stringify(shapeFields(shape)),
      "tokenizer.json": JSON.stringify(tokenizer),
      "tokenizer_config.json": JSON.stringify({ eos_token: END }),
    },
    layout: parameterLayout(config),
    parameters: initialParameters(config, 1),
  });
  return folder;
}
