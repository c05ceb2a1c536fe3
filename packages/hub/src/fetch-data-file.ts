/**
 * Brings one file of a data set on the hub into the cache. Other files of its repository are not fetched, and are
 * listed only when the wanted one is not there.
 */
import { stat } from "node:fs/promises";
import { extname, posix } from "node:path";

import { type HubFileName, nearestName } from "@gumshoe/config";

import { dataFilePath, type HubRepo, repoText } from "./cache.js";
import { CachedRepoError, HubRefusedError } from "./errors.js";
import { type HubAccess, type HubFile, listRepoFiles, resolveRepoCommit } from "./hub-files.js";
import { type DownloadOptions, fetchSnapshot } from "./snapshot-fetcher.js";

/** Entries of a repository that are looked through for what can be read: some have millions. */
const MAX_LISTED = 5000;
/** Files that a message names. */
const MAX_NAMED = 10;

/** Options of the download of a data set's file. */
export interface DataFileOptions extends DownloadOptions {
  /** Extensions of the files that can be read, with the dot, in lower case. */
  readonly extensions: readonly string[];
  /** Size of the largest file that can be read. */
  readonly maxBytes: number;
}

/** A data set's file in the cache. */
export interface FetchedDataFile {
  readonly name: string;
  readonly commit: string;
  readonly path: string;
  /** Its place on this machine. */
  readonly file: string;
  readonly bytes: number;
  /** Bytes received over the network. */
  readonly fetchedBytes: number;
}

/**
 * Resolves a data set's revision to a commit.
 *
 * @throws HubRefusedError, HubAwayError; CachedRepoError if offline and never fetched
 */
export function resolveDataCommit(
  { name, revision }: Pick<HubFileName, "name" | "revision">,
  access: HubAccess,
): Promise<string> {
  return resolveRepoCommit({ kind: "dataset", name }, revision, access);
}

/**
 * Downloads a file of a data set into the cache, verifies its hash, and resumes an earlier attempt.
 *
 * @throws HubRefusedError also for a file that is not there, naming what is; HubAwayError, HubHashError, CachedRepoError,
 *         DiskFullError, or the signal's reason
 */
export async function fetchDataFile(
  wanted: HubFileName,
  options: DataFileOptions,
): Promise<FetchedDataFile> {
  const { settings } = options;
  const { name, revision, path } = wanted;
  const repo = { kind: "dataset", name } as const;
  const commit = await resolveDataCommit(wanted, options);
  const file = dataFilePath(settings.cacheFolder, { name, commit, path });
  if (settings.isOffline) {
    const found = await stat(file).catch(() => null);
    if (found !== null) return { name, commit, path, file, bytes: found.size, fetchedBytes: 0 };
    const problem = `has no ${path} in ${settings.cacheFolder}, and HF_HUB_OFFLINE is set`;
    throw new CachedRepoError(repoText(repo, commit), problem);
  }
  const listed = await findFile({ repo, commit, path }, options);
  const { fetchedBytes } = await fetchSnapshot(
    { repo, commit, revision },
    { ...options, files: [listed] },
    (fetcher) => fetcher.fetch([listed]),
  );
  return { name, commit, path, file, bytes: listed.bytes, fetchedBytes };
}

interface Wanted {
  readonly repo: HubRepo;
  readonly commit: string;
  readonly path: string;
}

/** @throws HubRefusedError when the file is not there, cannot be read or is too large */
async function findFile(wanted: Wanted, options: DataFileOptions): Promise<HubFile> {
  const { repo, commit, path } = wanted;
  const { extensions, maxBytes } = options;
  const refuse = (problem: string): never => {
    throw new HubRefusedError(repoText(repo, commit), problem);
  };
  if (!isReadable(path, extensions)) {
    const problem = `${path} does not end in ${extensions.join(", ")}`;
    return refuse(`${problem}; ${await whatIsThere(wanted, options)}`);
  }
  const folder = posix.dirname(path);
  try {
    const within = folder === "." ? {} : { folder };
    for await (const file of listRepoFiles(wanted, { ...options, ...within })) {
      if (file.path !== path) continue;
      if (file.bytes <= maxBytes) return file;
      return refuse(`${path} has ${file.bytes} bytes, more than ${maxBytes}`);
    }
  } catch (thrown) {
    // A folder that is not there is answered like a repository that is not.
    if (folder === "." || !(thrown instanceof HubRefusedError) || thrown.status !== 404)
      throw thrown;
  }
  return refuse(`has no file ${path}; ${await whatIsThere(wanted, options)}`);
}

/** Says which file was probably meant, or which there are. @throws HubRefusedError, HubAwayError */
async function whatIsThere(
  { repo, commit, path }: Wanted,
  options: DataFileOptions,
): Promise<string> {
  const names: string[] = [];
  let numListed = 0;
  for await (const file of listRepoFiles({ repo, commit }, { ...options, isRecursive: true })) {
    if (isReadable(file.path, options.extensions)) names.push(file.path);
    if (++numListed >= MAX_LISTED) break;
  }
  if (names.length === 0) return `it has none that ends in ${options.extensions.join(", ")}`;
  if (names.length <= MAX_NAMED) return `it has ${names.join(", ")}`;
  const nearest = nearestName(path, names);
  if (nearest !== null) return `did you mean ${nearest}?`;
  return `it has ${names.slice(0, MAX_NAMED).join(", ")} and others`;
}

function isReadable(path: string, extensions: readonly string[]): boolean {
  return extensions.includes(extname(path).toLowerCase());
}
