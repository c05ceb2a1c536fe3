/**
 * An empty folder in which the published packages are installed from the tarballs of `npm pack`.
 * Other packages have the versions of package-lock.json, from npm's cache if available.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ROOT } from "./gumshoe.js";

const run = promisify(execFile);
/** Matches npm's errors when the registry cannot be reached. */
const AWAY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|network/;

/** An entry of a lock file. */
interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, Locked>>;

/** A folder with installed packages. */
export class PackedProject {
  private constructor(readonly folder: string) {}

  /**
   * Packs and installs; null when another package is neither in npm's cache nor available from the
   * registry.
   */
  static async create(packages: readonly string[]): Promise<PackedProject | null> {
    const folder = mkdtempSync(join(tmpdir(), "gumshoe-packed-"));
    const workspaces = packages.map((name) => `--workspace=packages/${name}`);
    const pack = ["pack", ...workspaces, "--pack-destination", folder, "--json"];
    const { stdout } = await run("npm", pack, { cwd: ROOT });
    const packed = JSON.parse(stdout) as { name: string; filename: string }[];
    const files = new Map(packed.map(({ name, filename }) => [name, `file:${filename}`]));
    const dependencies = Object.fromEntries(files);
    const about = { name: "packed", version: "1.0.0", private: true, type: "module", dependencies };
    const entries = { "": about, ...lockedFor(files) };
    const write = (name: string, value: unknown) =>
      writeFileSync(join(folder, name), JSON.stringify(value));
    write("package.json", about);
    write("package-lock.json", { ...about, lockfileVersion: 3, packages: entries });
    try {
      const flags = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
      await run("npm", ["ci", ...flags], { cwd: folder });
    } catch (error) {
      rmSync(folder, { recursive: true });
      const { stderr = "" } = error as { stderr?: string };
      if (AWAY.test(stderr)) return null;
      throw error;
    }
    return new PackedProject(folder);
  }

  /** Runs Node.js in the folder; returns its output and exit code, without throwing. */
  async node(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const options = { cwd: this.folder, env: { ...process.env, ...env } };
    try {
      return { code: 0, ...(await run(process.execPath, args, options)) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Returns the lock entries of tarballs and their dependencies, from the repository's lock file. */
function lockedFor(files: ReadonlyMap<string, string>): Record<string, Locked> {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Lock;
  };
  const entries: Record<string, Locked> = {};
  const add = (path: string) => {
    if (path in entries) return;
    const found = lock.packages[path];
    const name = path.slice("node_modules/".length);
    const own = found?.link === true ? lock.packages[found.resolved ?? ""] : found;
    if (own === undefined) throw new Error(`package-lock.json has no ${path}`);
    const file = files.get(name);
    entries[path] = file === undefined ? own : { ...own, resolved: file };
    for (const needed of Object.keys(own.dependencies ?? {})) add(pathOf(needed, path, lock));
  };
  for (const name of files.keys()) add(`node_modules/${name}`);
  return entries;
}
const pathOf = (name: string, from: string, { packages }: { packages: Lock }): string => {
  const nested = `${from}/node_modules/${name}`;
  if (nested in packages) return nested;
  const at = from.lastIndexOf("/node_modules/");
  if (at < 0) return `node_modules/${name}`;
  return pathOf(name, from.slice(0, at), { packages });
};
