/**
 * Models and files of data sets on the Hugging Face hub that a config names, each at one commit.
 *
 * - The coordinator asks nothing of the hub: it takes them from the cache of its machine, where the command that
 *   submits, or the owner of the cluster, has put them. The cache is a folder like any other: a config may name what
 *   lies there only where the owner of the cluster allows the folder.
 * - The commit is a part of the config, and so of the run's identity: a resumed run never takes another one.
 * - Workers get the config with the places in the cache: they open files of the hub as other files, at the path of
 *   the coordinator's machine.
 */
import { realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import {
  hubFiles,
  parseHubFile,
  parseHubModel,
  parsePinnedFile,
  parsePinnedModel,
  type RunConfig,
} from "@gumshoe/config";
import { dataFilePath, hashFile, locateHubFiles } from "@gumshoe/hub";
import type { RunInputs } from "@gumshoe/protocol";

/** A blob of the cache that is named by the SHA-256 of its bytes. */
const SHA256 = /^[0-9a-f]{64}$/;
/** A blob of the cache that is named as Git names it. */
const GIT = /^[0-9a-f]{40}$/;

/** The hub's cache on the coordinator's machine. */
export class HubInputs {
  constructor(private readonly cacheFolder: string) {}

  /** Returns the config with places in the cache instead of names on the hub. */
  locate(config: RunConfig): RunConfig {
    return locateHubFiles(config, this.cacheFolder);
  }

  /** @throws InvalidArgumentError naming the field of what is not in the cache, or has no commit */
  async check(config: RunConfig): Promise<void> {
    await this.#checkModel(config);
    for (const { field, file } of hubFiles(config)) await this.#checkFile(field, file);
  }

  async #checkModel(config: RunConfig): Promise<void> {
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
    this.#refuse("model", model, `gumshoe model pull ${model}`);
  }

  async #checkFile(field: string, text: string): Promise<void> {
    const pinned = parsePinnedFile(text);
    if (pinned === null) {
      const { name, path } = parseHubFile(text) ?? { name: "owner/name", path: "path" };
      const wanted = `hf://datasets/${name}@<40 digits>/${path}`;
      throw new InvalidArgumentError(field, `${text} has no commit`, {
        suggestion: `a file on the hub is named with its commit here: ${wanted}; gumshoe submit finds it`,
      });
    }
    const file = dataFilePath(this.cacheFolder, pinned);
    if ((await stat(file).catch(() => null))?.isFile() === true) return;
    this.#refuse(field, text, `gumshoe data pull ${text}`);
  }

  #refuse(field: string, named: string, command: string): never {
    const problem = `${named} is not in the hub cache of this machine, ${this.cacheFolder}`;
    throw new InvalidArgumentError(field, problem, {
      suggestion: `fetch it on the coordinator's machine: ${command}`,
    });
  }

  /**
   * Compares the large files of the model, and the files of the sources, with what the hub says they are: the names of
   * their blobs.
   *
   * @throws InvalidArgumentError naming the field and the file
   */
  async checkBlobs(config: RunConfig, inputs: RunInputs): Promise<void> {
    if (parsePinnedModel(config.model) !== null) {
      const { model: folder } = this.locate(config);
      for (const { file, sha256 } of inputs.model) {
        const blob = basename(await realpath(join(folder, file)));
        if (!SHA256.test(blob) || blob === sha256) continue;
        const again = `gumshoe model pull ${config.model}`;
        refuseBlob("model", `${file} in the hub cache`, { of: config.model, sha256, again });
      }
    }
    for (const { field, file: text } of hubFiles(config)) {
      const pinned = parsePinnedFile(text);
      if (pinned === null) continue;
      const file = await realpath(dataFilePath(this.cacheFolder, pinned));
      const blob = basename(file);
      // A copied cache has files in place of links to blobs.
      if (!SHA256.test(blob) && !GIT.test(blob)) continue;
      const sha256 = await hashFile(file, SHA256.test(blob) ? "sha256" : "git");
      const again = `gumshoe data pull ${text}`;
      if (sha256 !== blob)
        refuseBlob(field, "the file in the hub cache", { of: text, sha256, again });
    }
  }
}

function refuseBlob(
  field: string,
  what: string,
  { of, sha256, again }: { of: string; sha256: string; again: string },
): never {
  const problem = `${what} is not what the hub has for ${of} (hash ${sha256.slice(0, 12)}...)`;
  throw new InvalidArgumentError(field, problem, { suggestion: `fetch it again: ${again}` });
}
