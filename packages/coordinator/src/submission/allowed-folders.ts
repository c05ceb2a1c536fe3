/**
 * Decides which files and folders of the coordinator's machine a config may name.
 *
 * - Paths must lie in a folder that the cluster's owner allowed, after resolving symbolic links.
 * - Nothing in the home is allowed: it holds secrets, ledgers and blobs, and callers choose the
 *   bytes of blobs. Exceptions are the weights of runs, which other runs may start from, and paths
 *   in the home that the owner allowed explicitly.
 * - A module must end in .mjs or .js, so that no other file is ever run as code.
 * - Files must be regular files, and folders must hold regular files: a pipe or device is never
 *   opened.
 *
 * A rejection reveals nothing about paths outside the allowed folders, not even whether they exist.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import { checkModuleName } from "@gumshoe/environments";
import { type NamedPath, namedPaths, type RunConfig } from "@gumshoe/config";

/**
 * The weights of a run, relative to the home: a checkpoint, or the initial model that the run
 * created.
 */
const RUN_WEIGHTS = /^runs\/[^/]+\/(checkpoints\/\d+|initial)(\/|$)/;
/** Most entries of a model folder. */
const MAX_ENTRIES = 10_000;

/** The folders in which configs may name files. */
export class AllowedFolders {
  readonly #folders: readonly string[];
  readonly #home: string;

  /**
   * @param options.folders  allowed folders, or single files; missing ones allow nothing
   * @param options.home     the coordinator's home
   */
  constructor(options: { folders: readonly string[]; home: string }) {
    this.#folders = options.folders.map((folder) => resolve(folder));
    this.#home = resolve(options.home);
  }

  /** @throws InvalidArgumentError naming the first field with a path that is not allowed */
  async check(config: RunConfig): Promise<void> {
    for (const named of namedPaths(config)) {
      const path = await realPath(resolve(named.path));
      if (!(await this.#isAllowed(path))) this.#refuse(named);
      if (named.kind === "module") checkModuleName(named.field, path);
      await checkKind(named, path);
    }
  }

  async #isAllowed(path: string): Promise<boolean> {
    const home = await realPath(this.#home);
    const folders = await Promise.all(this.#folders.map(realPath));
    const holding = folders.filter((folder) => isWithin(path, folder));
    if (holding.length === 0) return false;
    if (!isWithin(path, home)) return true;
    const isNamedInHome = holding.some((folder) => folder !== home && isWithin(folder, home));
    return isNamedInHome || RUN_WEIGHTS.test(relative(home, path).split(sep).join("/"));
  }

  #refuse({ field, path }: NamedPath): never {
    throw new InvalidArgumentError(
      field,
      `${path.slice(0, 200)}${base(path)} is not below a folder that this cluster allows: ${this.#folders.join(", ")}`,
      {
        suggestion:
          "GUMSHOE_DATA lists them where the coordinator starts, gumshoe up --data adds one; " +
          "of the home, only checkpoints of runs can be named",
      },
    );
  }
}

/** Resolves the symbolic links of a path; if its end does not exist, those of the existing part. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPath(parent), basename(path));
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/**
 * Returns a note naming the folder that a relative path starts from; empty for an absolute path.
 */
function base(path: string): string {
  return isAbsolute(path) ? "" : ` (the coordinator was started in ${process.cwd()})`;
}

/** Rejects a path that does not exist, or is not of the kind that its field needs. */
async function checkKind({ field, kind, path: named }: NamedPath, path: string): Promise<void> {
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== "ENOENT" && thrown.code !== "ENOTDIR") return null;
    throw new InvalidArgumentError(field, `there is no ${named.slice(0, 200)}${base(named)}`);
  });
  // The reader of a path that cannot be inspected reports it, with the reason.
  if (found === null) return;
  if (kind !== "model") {
    if (!found.isFile()) throw new InvalidArgumentError(field, `${named} is no regular file`);
    return;
  }
  if (!found.isDirectory()) throw new InvalidArgumentError(field, `${named} is no folder`);
  const entries = await readdir(path);
  if (entries.length > MAX_ENTRIES) {
    throw new InvalidArgumentError(field, `${named} has more than ${MAX_ENTRIES} entries`);
  }
  for (const entry of entries) {
    const file = await stat(join(path, entry)).catch(() => null);
    if (file === null || file.isFile() || file.isDirectory()) continue;
    throw new InvalidArgumentError(field, `${join(named, entry)} is no regular file`);
  }
}
