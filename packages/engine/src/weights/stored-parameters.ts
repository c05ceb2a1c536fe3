import { type FloatFormat, isFloatFormat } from "./float-format.js";
import type { ParameterLayout } from "./parameter-layout.js";
import type { TensorHome } from "./tensor-homes.js";

/** Elements that are checked before yielding to the event loop: some milliseconds. */
const CHECKED_AT_ONCE = 1 << 20;

/** The parameters of a layout in open files. */
export interface StoredParameters {
  /** Stored dtype of the weights; F32 if it differs between tensors. */
  readonly format: FloatFormat;
  /**
   * Reads a range of the flat vector.
   *
   * @returns  [end - start] f32, in canonical order
   * @throws   ModelFolderError when a file became shorter
   */
  readonly readParameters: (start: number, end: number) => Promise<Float32Array>;
  /**
   * Reads all weights once, in pieces.
   *
   * @throws DamagedWeightError naming file, tensor and index of the first weight that is NaN or infinite
   */
  checkWeights(): Promise<void>;
}

/** Returns the parameters of a layout, given where each is stored, in the order of the layout. */
export function storedParameters(
  layout: ParameterLayout,
  homes: readonly TensorHome[],
): StoredParameters {
  const readParameters = (start: number, end: number) => readRange(layout, homes, start, end);
  const checkWeights = async () => {
    for (let start = 0; start < layout.numParameters; start += CHECKED_AT_ONCE) {
      await readParameters(start, Math.min(layout.numParameters, start + CHECKED_AT_ONCE));
    }
  };
  return { format: commonFormat(homes), readParameters, checkWeights };
}

function commonFormat(homes: readonly TensorHome[]): FloatFormat {
  const formats = new Set(homes.map(({ file, name }) => file.tensors.get(name)?.dtype ?? "F32"));
  const [first = "F32"] = formats;
  return formats.size === 1 && isFloatFormat(first) ? first : "F32";
}

async function readRange(
  layout: ParameterLayout,
  homes: readonly TensorHome[],
  start: number,
  end: number,
): Promise<Float32Array> {
  if (!(start >= 0 && start <= end && end <= layout.numParameters)) {
    throw new RangeError(`[${start}, ${end}) is not within 0 to ${layout.numParameters}`);
  }
  const values = new Float32Array(end - start);
  for (const [i, entry] of layout.entries.entries()) {
    const from = Math.max(start, entry.start);
    const to = Math.min(end, entry.end);
    const home = homes[i];
    if (from >= to || home === undefined) continue;
    const part = await home.file.read(home.name, from - entry.start, to - entry.start);
    values.set(part, from - start);
  }
  return values;
}
