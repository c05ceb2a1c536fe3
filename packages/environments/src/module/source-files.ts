/**
 * The source files of a module, and their digest.
 *
 * Follows imports and exports of relative paths, dynamic imports of a literal path, and `new
 * URL("./file", import.meta.url)`; packages are identified by name and version. Files that the
 * module reads in other ways are not included.
 */
import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { errorMessage, sha256 } from "@gumshoe/core";
import { init, parse } from "es-module-lexer";

import { ModuleError } from "../errors.js";

/** Largest file, in bytes: modules are small, but the data that they refer to may be large. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
const MAX_FILES = 1000;
const SOURCE_CODE = /\.(mjs|js)$/;
const READ_BESIDE = /new URL\(\s*["'`]([^"'`\n]{1,300})["'`]\s*,\s*import\.meta\.url\s*\)/g;

/** Checks that a file's extension is one of a module. @throws ModuleError */
export function checkModuleName(field: string, path: string): void {
  if (SOURCE_CODE.test(path)) return;
  const remedy = path.endsWith(".ts") ? "; compile TypeScript first (npx tsc)" : "";
  throw new ModuleError(field, `a module's name ends in .mjs or .js${remedy}`);
}

/**
 * Hashes a module with everything that it imports.
 *
 * @param field  config field that names it, for errors
 * @returns      SHA-256, independent of the folder's place
 * @throws       ModuleError when the module or an imported file is missing, or is not a regular
 *   file
 */
export async function digestOfModule(field: string, file: string): Promise<string> {
  await init;
  const root = resolve(file);
  checkModuleName(field, root);
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const open = [{ path: root, importer: null as string | null, isNeeded: true }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, importer, isNeeded } = next;
    if (files.has(path)) continue;
    if (files.size >= MAX_FILES) {
      throw new ModuleError(field, `${root} imports more than ${MAX_FILES} files`);
    }
    const bytes = await readRegularFile(field, path, { importer, isNeeded });
    if (bytes === null) continue;
    files.set(path, sha256(bytes));
    if (!SOURCE_CODE.test(path)) continue;
    for (const link of linksOf(bytes.toString("utf8"))) {
      const target = resolveLink(path, link.specifier, packages);
      if (target !== null) open.push({ path: target, importer: path, isNeeded: link.isNeeded });
    }
  }
  const folder = dirname(root);
  const lines = [...files].map(([path, digest]) => `${relativeName(folder, path)} ${digest}`);
  return sha256([...lines.sort(), ...[...packages].sort()].join("\n"));
}

interface Link {
  readonly specifier: string;
  /** False for files that may be missing: using them then fails at run time. */
  readonly isNeeded: boolean;
}

/**
 * Lists what a source file refers to; nothing if it cannot be parsed, since loading reports that
 * better.
 */
function linksOf(source: string): Link[] {
  const links: Link[] = [...source.matchAll(READ_BESIDE)].map(([, path = ""]) => ({
    specifier: path.startsWith(".") ? path : `./${path}`,
    isNeeded: false,
  }));
  try {
    for (const { n: specifier, d: dynamicAt } of parse(source)[0]) {
      if (specifier !== undefined) links.push({ specifier, isNeeded: dynamicAt === -1 });
    }
  } catch {
    // Ignored: loading the module reports the syntax error.
  }
  return links;
}

/** Returns the file of a specifier, or null if it is none; adds packages to the set. */
function resolveLink(importer: string, specifier: string, packages: Set<string>): string | null {
  if (specifier.startsWith("node:") || specifier.startsWith("data:")) return null;
  const path = specifier.replace(/[?#].*$/, "");
  if (path.startsWith("file:")) return fileURLToPath(path);
  if (isAbsolute(path)) return path;
  if (path.startsWith("./") || path.startsWith("../")) return join(dirname(importer), path);
  packages.add(describePackage(importer, path));
  return null;
}

/** Returns `name@version` of an installed package. */
function describePackage(importer: string, specifier: string): string {
  const parts = specifier.split("/");
  const name = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  try {
    const { version } = createRequire(importer)(`${name}/package.json`) as { version?: string };
    return `${name}@${version ?? "?"}`;
  } catch {
    return `${name}@?`;
  }
}

async function readRegularFile(
  field: string,
  path: string,
  { importer, isNeeded }: { importer: string | null; isNeeded: boolean },
): Promise<Buffer | null> {
  const from = importer === null ? "" : `, which ${importer} imports`;
  let found: Stats;
  try {
    found = await stat(path);
  } catch (cause) {
    if (!isNeeded) return null;
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const problem = isMissing ? `there is no ${path}${from}` : errorMessage(cause);
    throw new ModuleError(field, problem, { cause });
  }
  if (!found.isFile()) {
    if (!isNeeded) return null;
    throw new ModuleError(field, `${path} is not a regular file${from}`);
  }
  if (found.size > MAX_FILE_BYTES) {
    throw new ModuleError(field, `${path} has ${found.size} bytes, more than ${MAX_FILE_BYTES}`);
  }
  return readFile(path);
}

/** Returns a path relative to the module's folder, with forward slashes. */
function relativeName(folder: string, path: string): string {
  const inside = path.startsWith(folder) ? path.slice(folder.length) : path;
  return inside.replaceAll("\\", "/");
}
