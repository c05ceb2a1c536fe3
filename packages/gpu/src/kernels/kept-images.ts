import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";

/** Digits of hashes in file names. */
const DIGITS = 24;

/** What an image was made of. */
export interface ImageKey {
  /** Stem of the kernels' file. */
  readonly stem: string;
  /** Hash of all that went into the compiler. */
  readonly source: string;
  /** E.g. `sm_90`. */
  readonly architecture: string;
}

/** A kept image. */
export interface KeptImage {
  readonly image: Uint8Array;
  /** Version of its compiler, e.g. `[13, 0]`. */
  readonly compiler: readonly [major: number, minor: number];
}

/**
 * Compiled kernels that are kept in files, named by what they were made of and by the hash of their content.
 *
 * - A file whose content has another hash was damaged: it is passed over, and removed where that is possible.
 * - Files are put in place whole, so processes may share a folder.
 */
export class KeptImages {
  /** @param folders  all are read; images are kept in the first */
  constructor(private readonly folders: readonly string[]) {}

  /** Finds an image by a compiler that `accepts`, the newest first; null if there is none. */
  find(key: ImageKey, accepts: (compiler: KeptImage["compiler"]) => boolean): KeptImage | null {
    const begin = prefixOf(key);
    for (const folder of this.folders) {
      for (const file of namesIn(folder).reverse()) {
        const found = file.startsWith(begin)
          ? /\.cuda(\d+)\.(\d+)\.(\w+)\.cubin$/.exec(file)
          : null;
        if (found === null) continue;
        const compiler = [Number(found[1]), Number(found[2])] as const;
        const image = accepts(compiler) ? readWhole(join(folder, file), found[3] ?? "") : null;
        if (image !== null) return { image, compiler };
      }
    }
    return null;
  }

  /** Keeps an image; a folder that cannot be written to keeps none. */
  keep(key: ImageKey, { image, compiler: [major, minor] }: KeptImage): void {
    const [folder] = this.folders;
    if (folder === undefined) return;
    const hash = sha256(image).slice(0, DIGITS);
    const file = join(folder, `${prefixOf(key)}cuda${major}.${minor}.${hash}.cubin`);
    const scratch = `${file}.${process.pid}.tmp`;
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(scratch, image);
      renameSync(scratch, file);
    } catch {
      // It is compiled again the next time. What a full disk left of it has no final name.
    }
  }
}

function prefixOf({ stem, source, architecture }: ImageKey): string {
  return `${stem}.${source.slice(0, DIGITS)}.${architecture}.`;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Reads a file whose content has a hash that begins so; null for another content. */
function readWhole(file: string, hash: string): Uint8Array | null {
  try {
    const image = readFileSync(file);
    if (sha256(image).startsWith(hash)) return image;
    rmSync(file, { force: true });
    return null;
  } catch {
    return null;
  }
}
