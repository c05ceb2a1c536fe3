import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { errorMessage, sha256 } from "@gumshoe/core";

import { ModuleError } from "./errors.js";

/** What a user's module must export, as it was found there. */
export interface LoadedModule {
  readonly createEnvironment: (options: unknown) => unknown;
  /** SHA-256 of the module's file. */
  readonly digest: string;
}

/**
 * Loads a user's module.
 *
 * A file that was changed is another module: it is loaded anew, also by a process that holds the old
 * one. What the file itself imports is loaded once per process.
 *
 * @param field  where the config names it, for errors
 * @throws       ModuleError
 */
export async function loadModule(field: string, file: string): Promise<LoadedModule> {
  const path = resolve(file);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const problem = cause.code === "ENOENT" ? `there is no ${path}` : errorMessage(cause);
    throw new ModuleError(field, problem, { cause });
  });
  const digest = sha256(bytes);
  const url = pathToFileURL(path);
  url.searchParams.set("sha256", digest);
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url.href)) as Record<string, unknown>;
  } catch (cause) {
    throw new ModuleError(field, `${path} cannot be loaded: ${errorMessage(cause)}`, { cause });
  }
  const { createEnvironment } = exports;
  if (typeof createEnvironment !== "function") {
    const found = Object.keys(exports).join(", ") || "nothing";
    throw new ModuleError(
      field,
      `${path} must export a function createEnvironment, but exports ${found}`,
    );
  }
  return { createEnvironment: createEnvironment as LoadedModule["createEnvironment"], digest };
}
