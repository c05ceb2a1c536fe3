/**
 * Downloads one file into the cache, resuming where an earlier attempt ended.
 *
 * The download is implemented here because the hub's client library restarts after every interruption and checks no
 * hash. A partial file is `<blob>.incomplete`, as Python's huggingface_hub names it.
 */
import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { backoffMs, type Clock, ClusterError, diskError } from "@gumshoe/core";

import { hashFile, type HubRepo, repoPath } from "./cache.js";
import { HubAwayError, HubHashError } from "./errors.js";
import { hubError } from "./hub-connection.js";
import type { HubFile } from "./hub-files.js";
import type { HubSettings } from "./settings.js";

/** Time without any received byte after which a connection is aborted, in ms. */
const STALL_MS = 30_000;
/** Consecutive attempts that receive no byte before the download fails. */
const MAX_EMPTY_TRIES = 6;
const BACKOFF = { firstDelayMs: 1000, maxDelayMs: 8000 };

/** Dependencies and options of a download. */
export interface FileFetch {
  readonly settings: HubSettings;
  readonly repo: HubRepo;
  readonly commit: string;
  readonly file: HubFile;
  /** Folder of the repository in the cache. */
  readonly folder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Called with the size of the partial file, and the number of bytes just received. */
  readonly onBytes: (bytes: number, newBytes: number) => void;
  /** Called before another attempt. */
  readonly onRetry: (error: unknown) => void;
}

/**
 * Downloads a file that is not in the cache. Afterwards its blob is complete and verified, or absent.
 *
 * @throws HubRefusedError, HubAwayError, HubHashError, DiskFullError, or the signal's reason
 */
export async function fetchBlob(fetching: FileFetch): Promise<void> {
  const { file, folder, clock, signal } = fetching;
  const blob = join(folder, "blobs", file.hash.digest);
  const part = `${blob}.incomplete`;
  let emptyTries = 0;
  let wasWrong = false;
  for (;;) {
    const before = await sizeOf(part);
    try {
      if (before < file.bytes || file.bytes === 0) await receive(fetching, part, before);
      const received = await hashFile(part, file.hash.kind);
      if (received === file.hash.digest) break;
      await rm(part, { force: true });
      if (wasWrong) throw new HubHashError(file.path, file.hash.digest, received);
      wasWrong = true;
    } catch (thrown) {
      const error = translate(thrown, fetching);
      if (!(error instanceof HubAwayError)) throw error;
      emptyTries = (await sizeOf(part)) > before ? 0 : emptyTries + 1;
      if (emptyTries >= MAX_EMPTY_TRIES) throw error;
      fetching.onRetry(error);
      await clock.sleep(backoffMs(BACKOFF, Math.max(1, emptyTries)), signal);
    }
  }
  await rename(part, blob);
}

/** Receives the rest of a file and appends it to the partial file. */
async function receive(fetching: FileFetch, part: string, offset: number): Promise<void> {
  const { settings, repo, commit, file, signal, onBytes } = fetching;
  const stalled = new AbortController();
  const onStall = () =>
    stalled.abort(new HubAwayError(settings.endpoint, "sends nothing any more"));
  let timer = setTimeout(onStall, STALL_MS);
  try {
    const signals = [stalled.signal, ...(signal === undefined ? [] : [signal])];
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(
      `${settings.endpoint}/${repoPath(repo)}/resolve/${commit}/${path}`,
      {
        signal: AbortSignal.any(signals),
        headers: {
          // Offsets count bytes of the file itself, so it must not be sent compressed.
          "Accept-Encoding": "identity",
          ...(offset > 0 ? { Range: `bytes=${offset}-` } : {}),
          ...(settings.token === null ? {} : { Authorization: `Bearer ${settings.token}` }),
        },
      },
    );
    if (!response.ok) {
      const message = (await response.text()).slice(0, 300);
      throw Object.assign(new Error(message), { statusCode: response.status });
    }
    const isRest = offset > 0 && response.status === 206;
    const handle = await open(part, isRest ? "a" : "w");
    try {
      let bytes = isRest ? offset : 0;
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer);
        timer = setTimeout(onStall, STALL_MS);
        const data = chunk as Uint8Array;
        bytes += data.byteLength;
        if (bytes > file.bytes)
          throw new HubAwayError(settings.endpoint, `sends too much of ${file.path}`);
        await handle.writeFile(data);
        onBytes(bytes, data.byteLength);
      }
      if (bytes < file.bytes)
        throw new HubAwayError(settings.endpoint, `broke off in ${file.path}`);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw stalled.signal.aborted ? stalled.signal.reason : thrown;
  } finally {
    clearTimeout(timer);
  }
}

function translate(thrown: unknown, fetching: FileFetch): unknown {
  const { settings, repo, commit, file, folder, signal } = fetching;
  if (signal?.aborted === true) return signal.reason;
  if (thrown instanceof ClusterError) return thrown;
  const disk = diskError(thrown, folder, file.bytes);
  if (disk !== null) return disk;
  return hubError(thrown, { settings, repo, revision: commit, signal });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
