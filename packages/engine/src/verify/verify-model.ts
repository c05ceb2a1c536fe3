import { resolve } from "node:path";

import { GoldenFormatError } from "@gumshoe/grpo";
import type { Device } from "@gumshoe/kernels";

import { loadAdapter, loadWeights } from "../model/load-weights.js";
import { Model } from "../model/model.js";
import { isAdapterFolder, openAdapterFolder, readBaseName } from "../weights/adapter-folder.js";
import { type ModelFolder, openModelFolder } from "../weights/model-folder.js";
import { compareExactly, compareNumbers, type VerifyCheck } from "./check.js";
import { type GoldenCase, GoldenTensors, readGoldenCases } from "./golden-folder.js";
import { MODEL_CASES } from "./model-cases.js";

/**
 * Compares the engine with the golden numbers of a model folder, or of an adapter folder and its base model, case by
 * case.
 *
 * @throws GoldenFormatError, GoldenFileError, ModelFolderError, ModelConfigError
 */
export async function* verifyModel(dir: string, device: Device): AsyncGenerator<VerifyCheck> {
  const cases = await readGoldenCases(dir, Object.keys(MODEL_CASES));
  const model = await loadModel(dir, device);
  try {
    const tensors = await GoldenTensors.open(dir);
    try {
      for (const golden of cases) yield* verifyCase({ dir, model, tensors }, golden);
    } finally {
      await tensors.close();
    }
  } finally {
    model.dispose();
  }
}

async function loadModel(dir: string, device: Device): Promise<Model> {
  const isAdapter = await isAdapterFolder(dir);
  const folder = await openModelFolder(
    isAdapter ? resolve(dir, (await readBaseName(dir)).name) : dir,
  );
  try {
    if (isAdapter) return await loadAdapted(folder, dir, device);
    const model = new Model({ device, config: folder.config, training: true });
    await loadWeights(model, folder);
    return model;
  } finally {
    await folder.close();
  }
}

async function loadAdapted(base: ModelFolder, dir: string, device: Device): Promise<Model> {
  const adapter = await openAdapterFolder(dir, base);
  try {
    const model = new Model({ device, config: adapter.config, training: true });
    await loadWeights(model, base);
    await loadAdapter(model, adapter);
    return model;
  } finally {
    await adapter.close();
  }
}

async function* verifyCase(
  context: { dir: string; model: Model; tensors: GoldenTensors },
  golden: GoldenCase,
): AsyncGenerator<VerifyCheck> {
  const { dir, model, tensors } = context;
  const place = { path: dir, case: golden.name };
  const compute = MODEL_CASES[golden.kind];
  if (compute === undefined) throw new GoldenFormatError(dir, `unknown kind ${golden.kind}`);
  const { outputs, exact = [] } = compute(model, golden.inputs);
  for (const output of golden.outputs) {
    const ours = outputs.get(output.output);
    if (ours === undefined) {
      const where = `${dir}: case ${golden.name}: ${output.output}`;
      throw new GoldenFormatError(where, `is no output of kind ${golden.kind}`);
    }
    yield compareNumbers(place, ours, await tensors.expected(output));
  }
  for (const { output, ...pair } of exact) yield compareExactly(place, output, pair);
}
