import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** Folders that are generated or fetched. */
const NOT_SOURCE = new Set(["node_modules", "dist", "build", "gen", "coverage"]);

/** Files and folders that git ignores by their path, e.g. `mine`: those that the documents have readers make. */
const IGNORED = new Set(
  readFileSync(join(ROOT, ".gitignore"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("/"))
    .map((line) => line.replace(/^\/|\/$/g, "")),
);

/** Says whether a path from the root is one that git ignores, or lies in such a folder. */
export function isIgnored(path: string): boolean {
  const parts = path.split("/");
  return parts.some(
    (part, i) => NOT_SOURCE.has(part) || IGNORED.has(parts.slice(0, i + 1).join("/")),
  );
}

/** One import or re-export of a source file. */
export interface ImportEdge {
  /** Path of the importing file, from the root. */
  readonly from: string;
  readonly specifier: string;
}

/** One folder of packages/. */
export interface PackageFolder {
  /** Folder name, e.g. `grpo`. */
  readonly name: string;
  readonly floor: number;
  readonly manifest: Manifest;
  /** Names of the packages that tsconfig.json refers to. */
  readonly references: readonly string[];
  /** Paths, from the root, of all TypeScript files under src, without tests and gen/. */
  readonly sources: readonly string[];
}

/** The fields of a package.json that the rules use. */
export interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly gumshoe?: { readonly floor?: number };
}

/** Lists the files in a folder, as sorted paths from the root with forward slashes. */
export function listFiles(folder = "."): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !NOT_SOURCE.has(name) && (!name.startsWith(".") || name === ".ci"))
    .flatMap((entry) => {
      const path = join(folder, entry.name).split(sep).join("/");
      if (IGNORED.has(path)) return [];
      return entry.isDirectory() ? listFiles(path) : entry.isFile() ? [path] : [];
    })
    .sort();
}

/** Reads a file of the repository as text. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Returns the size of a file of the repository in bytes. */
export function fileBytes(path: string): number {
  return statSync(join(ROOT, path)).size;
}

/** Reads every package's manifest, references and source files. */
export function readPackages(): PackageFolder[] {
  const names = readdirSync(join(ROOT, "packages"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return names.map((name) => {
    const manifest = JSON.parse(readText(`packages/${name}/package.json`)) as Manifest;
    const config = JSON.parse(readText(`packages/${name}/tsconfig.json`)) as {
      references?: { path: string }[];
    };
    return {
      name,
      floor: manifest.gumshoe?.floor ?? NaN,
      manifest,
      references: (config.references ?? []).map(({ path }) => path.replace(/^\.\.\//, "")),
      sources: listFiles(`packages/${name}/src`).filter(isSource),
    };
  });
}

function isSource(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.endsWith(".test.ts");
}

/** Reads all imports, re-exports and dynamic imports of a TypeScript file. */
export function readImports(from: string): ImportEdge[] {
  const { importedFiles } = ts.preProcessFile(readText(from), true, true);
  return importedFiles.map(({ fileName }) => ({ from, specifier: fileName }));
}

/** Resolves a relative specifier to a path from the root. */
export function resolveRelative({ from, specifier }: ImportEdge): string {
  const target = resolve(ROOT, dirname(from), specifier).replace(/\.js$/, ".ts");
  const found = existsSync(`${target}x`) ? `${target}x` : target;
  return relative(ROOT, found).split(sep).join("/");
}

/** Returns the package of a bare specifier: `@scope/name` or `name`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Finds cycles in a graph; each is returned once, as the list of its nodes. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (node: string, path: string[]): void => {
    const start = path.indexOf(node);
    if (start >= 0) cycles.push(path.slice(start));
    if (start >= 0 || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return cycles;
}
