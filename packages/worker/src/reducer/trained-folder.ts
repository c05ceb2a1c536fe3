import {
  type AdapterConfig,
  openAdapterFolder,
  openModelFolder,
  trainableForm,
  type WeightForm,
} from "@gumshoe/engine";
import { formatTensorName, type TensorName } from "@gumshoe/protocol";
import { type HeldRange, TensorNotHeldError } from "@gumshoe/tensors";

/** Weights that a run trains, in a folder: a model's, or an adapter's beside its frozen base model. */
export interface TrainedFolder {
  /** Text of the model's config.json. */
  readonly configJson: string;
  readonly adapter: AdapterConfig | null;
  /** Layout of the trained weights in a region. */
  readonly form: WeightForm;
  /** Reads elements [start, end) of the trained weights. */
  readonly read: (start: number, end: number) => Promise<Float32Array>;
  /** The base model, read from its file when it is asked for; null without an adapter. */
  readonly base: HeldRange | null;
  close(): Promise<void>;
}

/**
 * Opens a folder with weights that a run trains.
 *
 * @param baseFolder  the base model where the folder is an adapter's; else empty
 * @throws ModelFolderError, ModelConfigError
 */
export async function openTrainedFolder(
  folder: string,
  baseFolder: string,
): Promise<TrainedFolder> {
  const model = await openModelFolder(baseFolder === "" ? folder : baseFolder);
  const configJson = model.assets["config.json"] ?? "{}";
  if (baseFolder === "") {
    return {
      configJson,
      adapter: null,
      form: trainableForm(model.config),
      read: model.readParameters,
      base: null,
      close: () => model.close(),
    };
  }
  try {
    const adapter = await openAdapterFolder(folder, model);
    const held = heldFolder({ type: "base" }, model.layout.numParameters, model.readParameters);
    return {
      configJson,
      adapter: adapter.adapter,
      form: trainableForm(adapter.config),
      read: adapter.readParameters,
      base: held.range,
      close: async () => {
        held.end();
        await Promise.all([adapter.close(), model.close()]);
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/**
 * Serves a whole vector from its file, until it is told to end.
 *
 * @param readFile  reads elements [start, end) of the file
 */
export function heldFolder(
  name: TensorName,
  numParameters: number,
  readFile: TrainedFolder["read"],
): { range: HeldRange; end: () => void } {
  let isOver = false;
  const refuseAfterEnd = () => {
    if (isOver) throw new TensorNotHeldError(formatTensorName(name));
  };
  const read = async (start: number, end: number) => {
    refuseAfterEnd();
    try {
      return await readFile(start, end);
    } catch (error) {
      // The file was closed during the read.
      refuseAfterEnd();
      throw error;
    }
  };
  const range = { start: 0, end: numParameters, read, file: null };
  return { range, end: () => (isOver = true) };
}
