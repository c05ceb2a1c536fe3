import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of a package's compiled files, and of their bundles in it. */
const COMPILED = "/dist/";
const BUNDLED = "dist/bundle/";

/** What a package's bundles were made from. */
export interface BundleInputs {
  /** Path relative to the package, size in bytes, and time of the last change, in ms. */
  readonly files: readonly (readonly [file: string, size: number, mtimeMs: number])[];
  /** SHA-256 of what else they depend on when they are made. */
  readonly recipe: string;
}

/**
 * Returns the bundle of a process's or thread's compiled entry file: the same code in few files,
 * which load in a fraction of the time that hundreds of modules take.
 *
 * `scripts/bundle.mjs` makes the bundles. One is used only while every file that it was made from
 * is unchanged; otherwise, and for a file without a bundle, the compiled file itself is returned.
 */
export function bundledEntry(entry: URL): URL {
  const at = entry.href.lastIndexOf(COMPILED);
  if (at === -1) return entry;
  const folder = new URL(entry.href.slice(0, at + 1));
  const bundle = new URL(BUNDLED + entry.href.slice(at + COMPILED.length), folder);
  return existsSync(bundle) && readInputs(fileURLToPath(folder)) !== null ? bundle : entry;
}

/** Reads what a package's bundles were made from; null when it has none, or a file has changed. */
export function readInputs(packageFolder: string): BundleInputs | null {
  try {
    const text = readFileSync(join(packageFolder, BUNDLED, "inputs.json"), "utf8");
    const inputs = JSON.parse(text) as BundleInputs;
    const isUnchanged = inputs.files.every(([file, size, mtimeMs]) => {
      const found = statSync(join(packageFolder, file));
      return found.size === size && Math.trunc(found.mtimeMs) === mtimeMs;
    });
    return isUnchanged ? inputs : null;
  } catch {
    return null;
  }
}
