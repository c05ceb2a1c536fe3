import { cachedCommit, type FileHash, type HubRepo, MAIN, repoText } from "./cache.js";
import { CachedRepoError, HubAwayError } from "./errors.js";
import { connectHub, hubError } from "./hub-connection.js";
import type { HubSettings } from "./settings.js";

/** A file of a repository on the hub. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  readonly hash: FileHash;
}

/** How the hub is asked. */
export interface HubAccess {
  readonly settings: HubSettings;
  readonly signal?: AbortSignal;
}

/**
 * Resolves a revision to a commit.
 *
 * @param revision  null for the main branch
 * @throws          HubRefusedError, HubAwayError; CachedRepoError if offline and never fetched
 */
export async function resolveRepoCommit(
  repo: HubRepo,
  revision: string | null,
  { settings, signal }: HubAccess,
): Promise<string> {
  const wanted = revision ?? MAIN;
  if (/^[0-9a-f]{40}$/.test(wanted)) return wanted;
  const text = repoText(repo, revision);
  if (settings.isOffline) {
    const commit = await cachedCommit(settings.cacheFolder, { ...repo, revision: wanted });
    if (commit !== null) return commit;
    throw new CachedRepoError(text, `is not in ${settings.cacheFolder}, and HF_HUB_OFFLINE is set`);
  }
  try {
    const { library, common } = await connectHub(settings, signal);
    const asked = { ...common, name: repo.name, revision: wanted };
    const { sha } =
      repo.kind === "model"
        ? await library.modelInfo({ ...asked, additionalFields: ["sha"] })
        : await library.datasetInfo({ ...asked, additionalFields: ["sha"] });
    if (/^[0-9a-f]{40}$/.test(sha)) return sha;
    throw new HubAwayError(settings.endpoint, `names no commit for ${text}`);
  } catch (thrown) {
    throw hubError(thrown, { settings, repo, revision, signal });
  }
}

/**
 * Lists files of a repository at one commit, as far as the hub states their hashes.
 *
 * @param options.folder       folder whose files are wanted; default: the root
 * @param options.isRecursive  whether files of the folders in it are wanted too
 * @throws                     HubRefusedError, HubAwayError
 */
export async function* listRepoFiles(
  { repo, commit }: { readonly repo: HubRepo; readonly commit: string },
  options: HubAccess & { readonly folder?: string; readonly isRecursive?: boolean },
): AsyncGenerator<HubFile> {
  const { settings, signal, folder = "", isRecursive = false } = options;
  try {
    const { library, common } = await connectHub(settings, signal);
    const within = folder === "" ? {} : { path: folder };
    const asked = { ...common, ...within, revision: commit, recursive: isRecursive };
    const entries = library.listFiles({ ...asked, repo: { type: repo.kind, name: repo.name } });
    for await (const { type, path, size, oid, lfs } of entries) {
      const digest = lfs?.oid ?? oid ?? "";
      if (type !== "file" || !/^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(digest)) continue;
      const hash = { kind: lfs === undefined ? "git" : "sha256", digest } as const;
      yield { path, bytes: lfs?.size ?? size, hash };
    }
  } catch (thrown) {
    throw hubError(thrown, { settings, repo, revision: commit, signal });
  }
}
