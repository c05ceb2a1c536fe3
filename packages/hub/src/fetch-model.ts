import { lstat, mkdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

import { hubModelText, type HubModel } from "@gumshoe/config";
import {
  type Clock,
  diskError,
  DiskFullError,
  diskRoom,
  LockHeldError,
  ProcessLock,
  writeDurably,
} from "@gumshoe/core";

import { cachedCommit, hashFile, MAIN, modelCacheFolder, snapshotFolder } from "./cache.js";
import { CachedModelError, HubAwayError, HubRefusedError } from "./errors.js";
import { fetchBlob, foldersOf } from "./fetch-file.js";
import { connectHub, hubError } from "./hub-connection.js";
import { chooseFiles, type HubFile } from "./model-files.js";
import type { HubSettings } from "./settings.js";

/** Progress of a download. */
export interface FetchProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The current file. */
  readonly file: string;
}

/** Options of a download. */
export interface FetchOptions {
  readonly settings: HubSettings;
  readonly clock: Clock;
  /** Names of the text files that a model folder needs. */
  readonly texts: readonly string[];
  /** `tokenizer` leaves out the weights; default: model. */
  readonly only?: "model" | "tokenizer";
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Called with a text when something is retried. */
  readonly onNotice?: (text: string) => void;
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
 * @throws HubRefusedError, HubAwayError; CachedModelError if offline and never fetched
 */
export async function resolveCommit(
  { name, revision }: HubModel,
  { settings, signal }: Pick<FetchOptions, "settings" | "signal">,
): Promise<string> {
  const wanted = revision ?? MAIN;
  if (/^[0-9a-f]{40}$/.test(wanted)) return wanted;
  const model = hubModelText({ name, revision });
  if (settings.isOffline) {
    const commit = await cachedCommit(settings.cacheFolder, { name, revision: wanted });
    if (commit !== null) return commit;
    throw new CachedModelError(
      model,
      `is not in ${settings.cacheFolder}, and HF_HUB_OFFLINE is set`,
    );
  }
  try {
    const { library, common } = await connectHub(settings, signal);
    const asked = { ...common, name, revision: wanted };
    const { sha } = await library.modelInfo({ ...asked, additionalFields: ["sha"] });
    if (/^[0-9a-f]{40}$/.test(sha)) return sha;
    throw new HubAwayError(settings.endpoint, `names no commit for ${model}`);
  } catch (thrown) {
    throw hubError(thrown, { settings, model, signal });
  }
}

/**
 * Downloads a model into the cache, verifies every file by its hash, and resumes earlier attempts.
 *
 * @throws HubRefusedError, HubAwayError, HubHashError, CachedModelError, DiskFullError, errors of `checkTexts`, or
 *         the signal's reason
 */
export async function fetchModel(wanted: HubModel, options: FetchOptions): Promise<FetchedModel> {
  const { settings } = options;
  const { name } = wanted;
  const commit = await resolveCommit(wanted, options);
  const folder = modelCacheFolder(settings.cacheFolder, name);
  const snapshot = snapshotFolder(settings.cacheFolder, { name, commit });
  if (settings.isOffline) return offline({ name, commit, snapshot });
  const files = await listModelFiles({ name, commit }, options);
  const model = hubModelText({ name, revision: commit });
  const { texts, weights } = chooseFiles(model, files, options);
  const lock = takeLock(folder, model);
  try {
    for (const path of foldersOf(folder, snapshot)) await mkdir(path, { recursive: true });
    const fetcher = new SnapshotFetcher(
      { name, commit, folder, snapshot },
      [...texts, ...weights],
      options,
    );
    await fetcher.fetch(texts);
    await options.checkTexts?.(snapshot);
    await fetcher.fetch(weights);
    // Written last, so that a revision never refers to an incomplete folder.
    await keepRef(folder, wanted.revision ?? MAIN, commit);
    return fetcher.result;
  } catch (thrown) {
    throw options.signal?.aborted === true ? thrown : (diskError(thrown, folder) ?? thrown);
  } finally {
    lock.release();
  }
}

/** Completeness is checked by the code that loads the folder, which names what is missing. */
async function offline(at: {
  name: string;
  commit: string;
  snapshot: string;
}): Promise<FetchedModel> {
  const { name, commit, snapshot } = at;
  if ((await stat(snapshot).catch(() => null)) === null) {
    throw new CachedModelError(
      `${name}@${commit}`,
      `is not in ${snapshot}, and HF_HUB_OFFLINE is set`,
    );
  }
  return { name, commit, folder: snapshot, files: [], bytes: 0, fetchedBytes: 0 };
}

async function listModelFiles(
  { name, commit }: { name: string; commit: string },
  { settings, signal }: FetchOptions,
): Promise<HubFile[]> {
  const files: HubFile[] = [];
  try {
    const { library, common } = await connectHub(settings, signal);
    for await (const entry of library.listFiles({ ...common, repo: name, revision: commit })) {
      const { type, path, size, oid, lfs } = entry;
      if (type !== "file" || path.includes("/")) continue;
      const digest = lfs?.oid ?? oid ?? "";
      if (!/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(digest)) continue;
      const hash = { kind: lfs === undefined ? "git" : "sha256", digest } as const;
      files.push({ path, bytes: lfs?.size ?? size, hash });
    }
    return files;
  } catch (thrown) {
    throw hubError(thrown, { settings, model: hubModelText({ name, revision: commit }), signal });
  }
}

function takeLock(folder: string, model: string): ProcessLock {
  try {
    return ProcessLock.take(
      join(dirname(folder), ".locks", `${folder.slice(dirname(folder).length + 1)}.gumshoe`),
    );
  } catch (thrown) {
    if (!(thrown instanceof LockHeldError)) throw diskError(thrown, folder) ?? thrown;
    throw new HubRefusedError(
      model,
      `is being fetched by process ${thrown.pid}; wait for it`,
      "FAILED_PRECONDITION",
    );
  }
}

async function keepRef(folder: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const ref = join(folder, "refs", revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeDurably(ref, commit);
}

interface Place {
  readonly name: string;
  readonly commit: string;
  readonly folder: string;
  readonly snapshot: string;
}

/** Downloads the files of one snapshot. */
class SnapshotFetcher {
  readonly #totalBytes: number;
  #doneBytes = 0;
  #fetchedBytes = 0;

  constructor(
    private readonly at: Place,
    private readonly files: readonly HubFile[],
    private readonly options: FetchOptions,
  ) {
    this.#totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get result(): FetchedModel {
    const { name, commit, snapshot: folder } = this.at;
    const files = this.files.map(({ path }) => path).sort();
    return {
      name,
      commit,
      folder,
      files,
      bytes: this.#totalBytes,
      fetchedBytes: this.#fetchedBytes,
    };
  }

  async fetch(files: readonly HubFile[]): Promise<void> {
    const missing: HubFile[] = [];
    for (const file of files) {
      this.options.signal?.throwIfAborted();
      if (await this.#isThere(file)) this.#count(file, file.bytes);
      else missing.push(file);
    }
    await this.#checkRoom(missing);
    for (const file of missing) await this.#fetchOne(file);
  }

  async #fetchOne(file: HubFile): Promise<void> {
    const { settings, clock, signal, onNotice } = this.options;
    const before = this.#doneBytes;
    await fetchBlob({
      settings,
      model: this.at,
      file,
      folder: this.at.folder,
      clock,
      signal,
      onBytes: (bytes, newBytes) => {
        this.#fetchedBytes += newBytes;
        this.#report(file, before + bytes);
      },
      onRetry: (error) =>
        onNotice?.(`${error instanceof Error ? error.message : String(error)}; trying again`),
    });
    await this.#link(file);
    this.#count(file, file.bytes);
  }

  /** Returns whether a file exists with the right content; removes a file with wrong content. */
  async #isThere(file: HubFile): Promise<boolean> {
    const { folder, snapshot } = this.at;
    const { onNotice } = this.options;
    const link = join(snapshot, file.path);
    const blob = join(folder, "blobs", file.hash.digest);
    if (await isRight(blob, file)) {
      await this.#link(file);
      return true;
    }
    const kept = await lstat(link).catch(() => null);
    // A copied cache may contain files instead of links.
    if (kept?.isFile() === true && (await isRight(link, file))) return true;
    if ((await stat(blob).catch(() => null)) !== null)
      onNotice?.(`${file.path} in the cache is not whole or not right; it is fetched again`);
    await rm(blob, { force: true });
    if (kept !== null) await rm(link, { force: true });
    return false;
  }

  async #link(file: HubFile): Promise<void> {
    const link = join(this.at.snapshot, file.path);
    const target = join("..", "..", "blobs", file.hash.digest);
    if ((await readlink(link).catch(() => null)) === target) return;
    await rm(link, { force: true });
    await symlink(target, link);
  }

  async #checkRoom(files: readonly HubFile[]): Promise<void> {
    const { folder } = this.at;
    let neededBytes = 0;
    for (const { bytes, hash } of files) {
      const part = await stat(join(folder, "blobs", `${hash.digest}.incomplete`)).catch(() => null);
      neededBytes += Math.max(0, bytes - (part?.size ?? 0));
    }
    const room = diskRoom(folder);
    if (room.freeBytes < neededBytes) throw new DiskFullError(folder, { ...room, neededBytes });
  }

  #count(file: HubFile, bytes: number): void {
    this.#doneBytes += bytes;
    this.#report(file, this.#doneBytes);
  }

  #report({ path }: HubFile, doneBytes: number): void {
    this.options.onProgress?.({ doneBytes, totalBytes: this.#totalBytes, file: path });
  }
}

async function isRight(path: string, { bytes, hash }: HubFile): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true || found.size !== bytes) return false;
  return (await hashFile(path, hash.kind)) === hash.digest;
}
