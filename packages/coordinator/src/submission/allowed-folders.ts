/**
 * Which files and folders of the coordinator's machine a config may name.
 *
 * - Only what lies below a folder that the owner of the cluster allowed; symbolic links are resolved first.
 * - Nothing in the home: it holds the secrets, ledgers and blobs, and a blob is made of bytes that a caller
 *   chose. Except the weights of runs, which other runs start from, and what the owner named there himself.
 * - A module ends in .mjs or .js, so that no other file is ever run as code.
 * - Files are regular files, and folders hold regular files: a pipe or a device is never opened.
 *
 * A refusal says nothing about what is outside of the allowed folders, not even whether it is there.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import { checkModuleName } from "@gumshoe/environments";
import { type NamedPath, namedPaths, type RunConfig } from "@gumshoe/config";

/** Weights of a run, as a path relative to the home: a checkpoint, or the model that it made. */
const RUN_WEIGHTS = /^runs\/[^/]+\/(checkpoints\/\d+|initial)(\/|$)/;
/** Most entries of a model folder. */
const MAX_ENTRIES = 10_000;

/** The folders that configs may name files in. */
export class AllowedFolders {
  readonly #folders: readonly string[];
  readonly #home: string;

  /**
   * @param options.folders  allowed folders, or single files; those that are not there allow nothing
   * @param options.home     the coordinator's home
   */
  constructor(options: { folders: readonly string[]; home: string }) {
    this.#folders = options.folders.map((folder) => resolve(folder));
    this.#home = resolve(options.home);
  }

  /** @throws InvalidArgumentError naming the first field whose file or folder a config may not name */
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

/** Resolves the links of a path; where its end is not there, those of what is. */
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

/** Says where a relative path starts, as the refusal of one adds it; nothing for an absolute one. */
function base(path: string): string {
  return isAbsolute(path) ? "" : ` (the coordinator was started in ${process.cwd()})`;
}

/** Refuses what is not there, and what is of another kind than its field needs. */
async function checkKind({ field, kind, path: named }: NamedPath, path: string): Promise<void> {
  const found = await stat(path).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== "ENOENT" && thrown.code !== "ENOTDIR") return null;
    throw new InvalidArgumentError(field, `there is no ${named.slice(0, 200)}${base(named)}`);
  });
  // What cannot be looked at is reported by its reader, with the reason.
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
