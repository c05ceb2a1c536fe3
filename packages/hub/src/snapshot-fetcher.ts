import { lstat, mkdir, readlink, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import {
  type Clock,
  diskError,
  DiskFullError,
  diskRoom,
  LockHeldError,
  ProcessLock,
  writeDurably,
} from "@gumshoe/core";

import { hashFile, type HubRepo, MAIN, repoCacheFolder, repoText } from "./cache.js";
import { HubRefusedError } from "./errors.js";
import { fetchBlob } from "./fetch-file.js";
import type { HubFile } from "./hub-files.js";
import type { HubSettings } from "./settings.js";

/** Progress of a download. */
export interface FetchProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The current file. */
  readonly file: string;
}

/** Options of a download. */
export interface DownloadOptions {
  readonly settings: HubSettings;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Called with a text when something is retried. */
  readonly onNotice?: (text: string) => void;
}

/** The commit of a repository that is fetched, and the revision that named it; null for the main branch. */
export interface FetchedCommit {
  readonly repo: HubRepo;
  readonly commit: string;
  readonly revision: string | null;
}

/**
 * Locks the folder of a repository in the cache, has `work` fetch files of one commit into it, and then records the
 * commit of the revision.
 *
 * @param options.files  all that `work` may fetch
 * @throws               HubRefusedError, HubAwayError, HubHashError, DiskFullError, errors of `work`, or the
 *                       signal's reason
 */
export async function fetchSnapshot(
  { repo, commit, revision }: FetchedCommit,
  options: DownloadOptions & { readonly files: readonly HubFile[] },
  work: (fetcher: SnapshotFetcher) => Promise<void>,
): Promise<{ fetchedBytes: number }> {
  const folder = repoCacheFolder(options.settings.cacheFolder, repo);
  const snapshot = join(folder, "snapshots", commit);
  const lock = takeLock(folder, repoText(repo, commit));
  try {
    for (const path of [join(folder, "blobs"), join(folder, "refs"), snapshot])
      await mkdir(path, { recursive: true });
    const fetcher = new SnapshotFetcher({ repo, commit, folder, snapshot }, options.files, options);
    await work(fetcher);
    // Written last, so that a revision never refers to files that are not there.
    await keepRef(folder, revision ?? MAIN, commit);
    return { fetchedBytes: fetcher.fetchedBytes };
  } catch (thrown) {
    throw options.signal?.aborted === true ? thrown : (diskError(thrown, folder) ?? thrown);
  } finally {
    lock.release();
  }
}

function takeLock(folder: string, repo: string): ProcessLock {
  try {
    return ProcessLock.take(
      join(dirname(folder), ".locks", `${folder.slice(dirname(folder).length + 1)}.gumshoe`),
    );
  } catch (thrown) {
    if (!(thrown instanceof LockHeldError)) throw diskError(thrown, folder) ?? thrown;
    throw new HubRefusedError(
      repo,
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
  readonly repo: HubRepo;
  readonly commit: string;
  readonly folder: string;
  readonly snapshot: string;
}

/** Downloads the files of one snapshot. */
export class SnapshotFetcher {
  readonly #totalBytes: number;
  #doneBytes = 0;
  #fetchedBytes = 0;

  constructor(
    private readonly at: Place,
    files: readonly HubFile[],
    private readonly options: DownloadOptions,
  ) {
    this.#totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Bytes received over the network. */
  get fetchedBytes(): number {
    return this.#fetchedBytes;
  }

  /** Brings the files that are missing or wrong. */
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
    const { repo, commit, folder } = this.at;
    const before = this.#doneBytes;
    await fetchBlob({
      settings,
      repo,
      commit,
      file,
      folder,
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
    const target = relative(dirname(link), join(this.at.folder, "blobs", file.hash.digest));
    if ((await readlink(link).catch(() => null)) === target) return;
    await mkdir(dirname(link), { recursive: true });
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
