import { stat } from "node:fs/promises";

import { type HubModel, hubModelText } from "@gumshoe/config";

import { snapshotFolder } from "./cache.js";
import { CachedRepoError } from "./errors.js";
import { type HubFile, listRepoFiles, resolveRepoCommit } from "./hub-files.js";
import { chooseFiles } from "./model-files.js";
import { type DownloadOptions, fetchSnapshot } from "./snapshot-fetcher.js";

/** Options of the download of a model. */
export interface FetchOptions extends DownloadOptions {
  /** Names of the text files that a model folder needs. */
  readonly texts: readonly string[];
  /** `tokenizer` leaves out the weights; default: model. */
  readonly only?: "model" | "tokenizer";
  /**
   * Called with the folder once its text files are there, before the weights follow; may throw to refuse the model.
   */
  readonly checkTexts?: (folder: string) => Promise<void>;
}

/** A model in the cache. */
export interface FetchedModel {
  readonly name: string;
  readonly commit: string;
  /** Folder of its files. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** Bytes received over the network. */
  readonly fetchedBytes: number;
}

/**
 * Resolves a model's revision to a commit.
 *
 * @throws HubRefusedError, HubAwayError; CachedRepoError if offline and never fetched
 */
export function resolveCommit(
  { name, revision }: HubModel,
  access: Pick<FetchOptions, "settings" | "signal">,
): Promise<string> {
  return resolveRepoCommit({ kind: "model", name }, revision, access);
}

/**
 * Downloads a model into the cache, verifies every file by its hash, and resumes earlier attempts.
 *
 * @throws HubRefusedError, HubAwayError, HubHashError, CachedRepoError, DiskFullError, errors of `checkTexts`, or
 *         the signal's reason
 */
export async function fetchModel(wanted: HubModel, options: FetchOptions): Promise<FetchedModel> {
  const { settings } = options;
  const { name } = wanted;
  const repo = { kind: "model", name } as const;
  const commit = await resolveCommit(wanted, options);
  const snapshot = snapshotFolder(settings.cacheFolder, { name, commit });
  if (settings.isOffline) return offline({ name, commit, snapshot });
  const files: HubFile[] = [];
  for await (const file of listRepoFiles({ repo, commit }, options)) {
    if (!file.path.includes("/")) files.push(file);
  }
  const model = hubModelText({ name, revision: commit });
  const { texts, weights } = chooseFiles(model, files, options);
  const all = [...texts, ...weights];
  const { fetchedBytes } = await fetchSnapshot(
    { repo, commit, revision: wanted.revision },
    { ...options, files: all },
    async (fetcher) => {
      await fetcher.fetch(texts);
      await options.checkTexts?.(snapshot);
      await fetcher.fetch(weights);
    },
  );
  const bytes = all.reduce((sum, file) => sum + file.bytes, 0);
  const names = all.map(({ path }) => path).sort();
  return { name, commit, folder: snapshot, files: names, bytes, fetchedBytes };
}

/** Completeness is checked by the code that loads the folder, which names what is missing. */
async function offline(at: {
  name: string;
  commit: string;
  snapshot: string;
}): Promise<FetchedModel> {
  const { name, commit, snapshot } = at;
  if ((await stat(snapshot).catch(() => null)) === null) {
    throw new CachedRepoError(
      `${name}@${commit}`,
      `is not in ${snapshot}, and HF_HUB_OFFLINE is set`,
    );
  }
  return { name, commit, folder: snapshot, files: [], bytes: 0, fetchedBytes: 0 };
}
