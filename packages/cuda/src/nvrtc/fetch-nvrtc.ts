import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";

import { diskError } from "@gumshoe/core";

import { PackageAwayError, WrongPackageError } from "../errors.js";
import { PackageIndex } from "./package-index.js";
import type { NvrtcWheel } from "./wheels.js";
import { extractZip } from "./extract-zip.js";

/** Time without a byte after which a download is given up. */
const STALL_MS = 30_000;

/** How a wheel is fetched. */
export interface NvrtcFetch {
  readonly wheel: NvrtcWheel;
  /** Folder to make, with NVRTC's files: one of the `folders` of `Nvrtc.open`. */
  readonly folder: string;
  /** URL of the package index, as pip's `PIP_INDEX_URL`; null: pip's default. */
  readonly index: string | null;
  readonly onProgress?: (progress: {
    readonly receivedBytes: number;
    readonly totalBytes: number;
  }) => void;
}

/**
 * Fetches NVRTC from a Python package index, checks its SHA-256, and keeps the two files that it consists of. The
 * folder is there whole, or not at all; what is there already is left alone.
 *
 * @returns whether anything was fetched
 * @throws PackageAwayError, WrongPackageError, or an error of the file system
 */
export async function fetchNvrtc(options: NvrtcFetch): Promise<boolean> {
  const { wheel, folder, index } = options;
  const isThere = wheel.members.every((member) => existsSync(join(folder, basename(member))));
  if (isThere) return false;
  await mkdir(dirname(folder), { recursive: true });
  const scratch = await mkdtemp(`${folder}-`);
  try {
    const packages = new PackageIndex(index);
    const url = await packages.find(wheel.project, wheel.file);
    const file = join(scratch, wheel.file);
    await download(packages, url, file, options);
    const targets = wheel.members.map(
      (member) => [member, join(scratch, basename(member))] as const,
    );
    await extractZip(file, new Map(targets));
    await rm(file);
    await rm(folder, { recursive: true, force: true });
    await rename(scratch, folder);
    return true;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(
  packages: PackageIndex,
  url: URL,
  file: string,
  { wheel, onProgress }: NvrtcFetch,
): Promise<void> {
  const response = await packages.get(url);
  const hash = createHash("sha256");
  let receivedBytes = 0;
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      receivedBytes += chunk.length;
      onProgress?.({ receivedBytes, totalBytes: wheel.bytes });
      done(null, chunk);
    },
  });
  const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  const timer = setTimeout(() => body.destroy(new Error("no byte in 30 s")), STALL_MS);
  watch.on("data", () => timer.refresh());
  try {
    await pipeline(body, watch, createWriteStream(file));
  } catch (error) {
    const shown = `${url.origin}${url.pathname}`;
    throw diskError(error, dirname(file)) ?? new PackageAwayError(shown, "broke off", error);
  } finally {
    clearTimeout(timer);
  }
  const received = hash.digest("hex");
  if (received === wheel.sha256) return;
  throw new WrongPackageError(
    wheel.file,
    `came with the SHA-256 ${received.slice(0, 12)}..., and ${wheel.sha256.slice(0, 12)}... is pinned`,
  );
}
