import { PARAMETER_BLOCK, type SetReferenceRequest } from "@gumshoe/protocol";
import { blockDigests, type HeldRange } from "@gumshoe/tensors";

import { openMoments } from "./optimizer-file.js";
import { heldFolder, openTrainedFolder } from "./trained-folder.js";

/** Elements that are hashed at a time: whole blocks, some milliseconds of work. */
const READ_AT_ONCE = 16 * PARAMETER_BLOCK;

/** The reference weights of a run, served from the files of their folder. */
export class ServedReference {
  readonly version: number;
  /** All trained weights. */
  readonly range: HeldRange;
  readonly #close: () => Promise<void>;

  private constructor(version: number, range: HeldRange, close: () => Promise<void>) {
    this.version = version;
    this.range = range;
    this.#close = close;
  }

  /**
   * Opens the folder of a reference.
   *
   * @throws ModelFolderError, ModelConfigError, OptimizerFileError
   */
  static async open(request: SetReferenceRequest): Promise<ServedReference> {
    const { version, folder, baseFolder, withOptimizer } = request;
    const source = await openTrainedFolder(folder, baseFolder);
    try {
      const moments = withOptimizer ? await openMoments(folder) : null;
      // Weights that are stored in less than float32 are in the optimizer's file in full.
      const read = moments?.readMaster ?? source.read;
      const held = heldFolder({ type: "reference", version }, source.form.numParameters, read);
      return new ServedReference(version, held.range, async () => {
        held.end();
        await Promise.all([source.close(), moments?.close()]);
      });
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /**
   * Hashes the blocks of elements [start, end), where `start` begins a block.
   *
   * @throws TensorNotHeldError after `close`
   */
  async blockDigests(start: number, end: number): Promise<string[]> {
    const digests: string[] = [];
    for (let at = start; at < end; at += READ_AT_ONCE) {
      digests.push(...blockDigests(await this.range.read(at, Math.min(end, at + READ_AT_ONCE))));
    }
    return digests;
  }

  /** Closes the files: a range that is being read fails, and is asked for elsewhere. */
  close(): void {
    void this.#close();
  }
}
