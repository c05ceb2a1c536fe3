import type { AdapterFolder } from "../weights/adapter-folder.js";
import type { ModelFolder } from "../weights/model-folder.js";
import type { Model } from "./model.js";

/** Elements read from a folder at a time, so that a file is never in memory as a whole. */
const READ_AT_ONCE = 1 << 20;

/**
 * Reads the weights of a folder into a model, a piece at a time.
 *
 * @throws OutOfMemoryError; ModelFolderError when a file became shorter; DamagedWeightError
 */
export async function loadWeights(model: Model, folder: ModelFolder): Promise<void> {
  await inPieces(folder, (values, start) => model.setParameters(values, start));
}

/** Reads the weights of an adapter's folder into a model that has one, as `loadWeights` does. */
export async function loadAdapter(model: Model, folder: AdapterFolder): Promise<void> {
  await inPieces(folder, (values, start) => model.setTrainable(values, start));
}

async function inPieces(
  folder: Pick<ModelFolder, "layout" | "readParameters">,
  set: (values: Float32Array, start: number) => void,
): Promise<void> {
  const { numParameters } = folder.layout;
  for (let start = 0; start < numParameters; start += READ_AT_ONCE) {
    const end = Math.min(numParameters, start + READ_AT_ONCE);
    set(await folder.readParameters(start, end), start);
  }
}
