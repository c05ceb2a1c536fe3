/**
 * Refuses tensors that hold one number alone where no model can work with that: an interrupted
 * download into a file of full size leaves zeros, and so does a checkpoint that was never filled.
 *
 * - The weights of a norm may all be equal, as they are when training starts, but not zero.
 * - Embedding, head and projections may not be constant. The projections back into the residual
 *   stream may be zero: layers that are added to a trained model start so.
 * - Biases, and the factors of adapters, may be anything.
 */
import { DamagedWeightError, ModelFolderError } from "../errors.js";
import type { ParameterEntry } from "./parameter-layout.js";
import type { TensorHome } from "./tensor-homes.js";

/** Elements of the first read of a tensor: with almost every tensor they differ. */
const FIRST_READ = 256;
/** Elements of each further read. */
const MOST_READ = 1 << 20;

/**
 * Checks the tensors of a model, in the order of its layout.
 *
 * @throws ModelFolderError naming file and tensor
 */
export async function checkValues(
  entries: readonly ParameterEntry[],
  homes: readonly TensorHome[],
): Promise<void> {
  for (const [i, entry] of entries.entries()) {
    const home = homes[i];
    if (home === undefined || !entry.name.endsWith(".weight")) continue;
    const value = await onlyValue(home, entry.end - entry.start);
    if (value === null || mayBe(value, entry)) continue;
    const { file, name: tensor } = home;
    const problem = `is ${value} everywhere: the file is incomplete, or its weights were never set`;
    throw new ModelFolderError({ file: file.file, tensor }, problem);
  }
}

function mayBe(value: number, { name, shape }: ParameterEntry): boolean {
  if (shape.length === 1) return value !== 0;
  return value === 0 && /\.(?:o_proj|down_proj)\.weight$/.test(name);
}

/** Returns the number that all elements of a tensor are; null where they differ, or are no numbers. */
async function onlyValue({ file, name }: TensorHome, count: number): Promise<number | null> {
  if (count < 2) return null;
  let only: number | null = null;
  let start = 0;
  while (start < count) {
    const end = Math.min(count, start + (start === 0 ? FIRST_READ : MOST_READ));
    const values = await file.read(name, start, end).catch((error: unknown) => {
      // The first reader of all weights reports it, with its place.
      if (error instanceof DamagedWeightError) return null;
      throw error;
    });
    only ??= values?.[0] ?? null;
    if (values === null || values.some((value) => value !== only)) return null;
    start = end;
  }
  return only;
}
