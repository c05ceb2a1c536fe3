/**
 * Models of the Hugging Face hub that a config names, as `owner/name@commit`.
 *
 * - The coordinator asks nothing of the hub: it takes a model from the cache of its machine, where the command
 *   that submits, or the owner of the cluster, has put it. The cache is a folder like any other: a config may
 *   name what lies there only where the owner of the cluster allows the folder.
 * - The commit is a part of the config, and so of the run's identity: a resumed run never takes another one.
 */
import { realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import { parseHubModel, parsePinnedModel, type RunConfig } from "@gumshoe/config";
import { snapshotFolder } from "@gumshoe/hub";
import type { RunInputs } from "@gumshoe/protocol";

/** A blob of the cache that is named by the SHA-256 of its bytes. */
const SHA256 = /^[0-9a-f]{64}$/;

/** The cache of models on the coordinator's machine. */
export class HubModels {
  constructor(private readonly cacheFolder: string) {}

  /** Returns the config with the folder of its model in the place of a name on the hub. */
  locate(config: RunConfig): RunConfig {
    const pinned = parsePinnedModel(config.model);
    return pinned === null
      ? config
      : { ...config, model: snapshotFolder(this.cacheFolder, pinned) };
  }

  /** @throws InvalidArgumentError naming the field of a model that is not in the cache, or has no commit */
  async check(config: RunConfig): Promise<void> {
    const { model } = config;
    const named = parseHubModel(model);
    if (named === null) return;
    if (parsePinnedModel(model) === null) {
      // What was a path of a folder that is there has been made absolute by the command that submits.
      if ((await stat(model).catch(() => null)) !== null) return;
      throw new InvalidArgumentError("model", `there is no folder ${model}`, {
        suggestion: `a model on the hub is named with its commit here: ${named.name}@<40 digits>; gumshoe submit finds it`,
      });
    }
    const { model: folder } = this.locate(config);
    if ((await stat(folder).catch(() => null))?.isDirectory() === true) return;
    throw new InvalidArgumentError(
      "model",
      `${model} is not in the hub cache of this machine, ${this.cacheFolder}`,
      {
        suggestion: `fetch it on the coordinator's machine: gumshoe model pull ${model}`,
      },
    );
  }

  /**
   * Compares the large files that a run reads with what the hub says they are: the names of their blobs.
   *
   * @throws InvalidArgumentError naming the field and the file
   */
  async checkBlobs(config: RunConfig, inputs: RunInputs): Promise<void> {
    if (parsePinnedModel(config.model) === null) return;
    const { model: folder } = this.locate(config);
    for (const { file, sha256 } of inputs.model) {
      const blob = basename(await realpath(join(folder, file)));
      if (!SHA256.test(blob) || blob === sha256) continue;
      const problem = `${file} in the hub cache is not what the hub has for ${config.model}`;
      throw new InvalidArgumentError("model", `${problem} (SHA-256 ${sha256.slice(0, 12)}...)`, {
        suggestion: `fetch it again: gumshoe model pull ${config.model}`,
      });
    }
  }
}
