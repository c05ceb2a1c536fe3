import { existsSync } from "node:fs";
import { join } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import {
  FLOAT_NAMES,
  type FloatFormat,
  mergedParameters,
  openModelFolder,
  writeModelFolder,
} from "@gumshoe/engine";
import { openMatchingAdapter } from "@gumshoe/serve";
import { type Command, Option } from "commander";

import type { Context } from "../context.js";
import { modelOption } from "../model/hub-config.js";
import { formatCount } from "../terminal/format.js";
import { writeResult } from "../terminal/terminal.js";
import { folderName, withExamples, withJson } from "./options.js";

interface MergeOptions {
  readonly dtype: string;
  readonly json?: boolean;
}

/** Value of `--dtype` for the base model's own. */
const AS_BASE = "model";

/** Adds `gumshoe model merge`: a whole model folder of a base model and an adapter. */
export function addModelMergeCommand(model: Command, context: Context): void {
  const command = model
    .command("merge")
    .description(
      "Make a whole model folder of a base model and a LoRA adapter of it: W + alpha / r B A in each adapted matrix.",
    )
    .argument("<base>", "model folder, or owner/name[@revision] on the Hugging Face hub")
    .argument("<adapter>", "adapter folder: a checkpoint of a run with lora, or one of PEFT")
    .argument("<out>", "folder to make", folderName)
    .addOption(
      new Option("--dtype <name>", "how weights are stored; model: as in the base model's folder")
        .choices([AS_BASE, ...Object.values(FLOAT_NAMES)])
        .default(AS_BASE),
    );
  withExamples(
    withJson(command),
    "gumshoe model merge models/rookie .gumshoe/runs/lora/checkpoints/24 mine/merged",
  );
  command.action(async (base: string, adapter: string, out: string, options: MergeOptions) => {
    const folder = await modelOption(base, context);
    const merged = await mergeModel({ base: folder, adapter, out, dtype: options.dtype });
    writeResult(context.terminal, options, {
      value: { folder: out, base: folder, adapter, ...merged },
      text: () =>
        `${out}: ${base} with the adapter ${adapter}, ${formatCount(merged.parameters)} parameters as ${merged.dtype}`,
    });
  });
}

/** @throws InvalidArgumentError, OtherBaseError, ModelFolderError, ModelConfigError, UnstorableWeightError */
async function mergeModel(of: {
  base: string;
  adapter: string;
  out: string;
  dtype: string;
}): Promise<{ parameters: number; dtype: string }> {
  const { out } = of;
  if (existsSync(join(out, "config.json"))) {
    throw new InvalidArgumentError("out", `${out} holds a model already`, {
      suggestion: "name another folder",
    });
  }
  const base = await openModelFolder(of.base);
  try {
    const adapter = await openMatchingAdapter(of.adapter, base);
    const format = formatNamed(of.dtype) ?? base.format;
    try {
      const { assets, layout } = base;
      const parameters = mergedParameters(base, adapter);
      await writeModelFolder(out, { assets, layout, parameters, format });
      return { parameters: layout.numParameters, dtype: FLOAT_NAMES[format] };
    } finally {
      await adapter.close();
    }
  } finally {
    await base.close();
  }
}

function formatNamed(name: string): FloatFormat | null {
  const formats = Object.keys(FLOAT_NAMES) as FloatFormat[];
  return formats.find((format) => FLOAT_NAMES[format] === name) ?? null;
}
