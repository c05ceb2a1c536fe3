/**
 * The cache of models and data sets, laid out as Python's huggingface_hub lays it out, so that each finds what the other
 * has fetched:
 *
 * - `models--owner--name/blobs/<hash>`             files by content: SHA-256 of large ones, Git's SHA-1 of others
 * - `models--owner--name/snapshots/<commit>/<file>`  links to the blobs
 * - `models--owner--name/refs/<revision>`          the commit of a branch or tag
 *
 * A data set has the same below `datasets--owner--name`.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { PinnedFile, PinnedModel } from "@gumshoe/config";

/** Default revision. */
export const MAIN = "main";

/** A repository of the hub. */
export interface HubRepo {
  readonly kind: "model" | "dataset";
  /** `owner/name`. */
  readonly name: string;
}

/** Path of a repository's page and of its files on the hub, also its name in messages. */
export function repoPath({ kind, name }: HubRepo): string {
  return kind === "model" ? name : `datasets/${name}`;
}

/** Name of a repository with its revision, for messages. */
export function repoText(repo: HubRepo, revision: string | null): string {
  return revision === null ? repoPath(repo) : `${repoPath(repo)}@${revision}`;
}

/** Folder of all cached data of a repository. */
export function repoCacheFolder(cacheFolder: string, { kind, name }: HubRepo): string {
  return join(cacheFolder, [`${kind}s`, ...name.split("/")].join("--"));
}

/** Folder of all cached data of a model. */
export function modelCacheFolder(cacheFolder: string, name: string): string {
  return repoCacheFolder(cacheFolder, { kind: "model", name });
}

/** Folder of a model's files at one commit, which may not exist. */
export function snapshotFolder(cacheFolder: string, { name, commit }: PinnedModel): string {
  return join(modelCacheFolder(cacheFolder, name), "snapshots", commit);
}

/** Place of a data set's file at one commit, which may not exist. */
export function dataFilePath(cacheFolder: string, { name, commit, path }: PinnedFile): string {
  return join(repoCacheFolder(cacheFolder, { kind: "dataset", name }), "snapshots", commit, path);
}

/** Returns the commit of a revision when it was last fetched; null if it never was. */
export async function cachedCommit(
  cacheFolder: string,
  { kind = "model", name, revision }: Partial<HubRepo> & { name: string; revision: string },
): Promise<string | null> {
  if (/^[0-9a-f]{40}$/.test(revision)) return revision;
  const file = join(repoCacheFolder(cacheFolder, { kind, name }), "refs", revision);
  const text = await readFile(file, "utf8").catch(() => "");
  return /^[0-9a-f]{40}$/.test(text.trim()) ? text.trim() : null;
}

/** Expected content of a file, as the hub states it. */
export interface FileHash {
  /** SHA-256 of the bytes, or Git's SHA-1 of the blob. */
  readonly kind: "sha256" | "git";
  readonly digest: string;
}

/** Computes a file's hash, of the same kind as the expected one. */
export async function hashFile(path: string, kind: FileHash["kind"]): Promise<string> {
  const { size } = await stat(path);
  const hash = kind === "git" ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(bytes as Buffer);
  }
  return hash.digest("hex");
}
