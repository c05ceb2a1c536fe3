/** Records the inputs of completed steps, so that they are repeated only when these change. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { ROOT } from "./step.mjs";

const STAMPS = join(ROOT, "node_modules/.cache/gumshoe");
const NOT_SOURCE = new Set(["node_modules", "dist", "build"]);

/** Lists files under a folder, sorted, with size and modification time. */
function describeFiles(folder, pattern) {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !NOT_SOURCE.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return describeFiles(path, pattern);
      if (!pattern.test(entry.name)) return [];
      const { size, mtimeMs } = statSync(join(ROOT, path));
      return [`${path} ${size} ${mtimeMs}`];
    });
}

function fingerprint(folders, pattern, settings) {
  const lines = folders.flatMap((folder) => describeFiles(folder, pattern));
  const versions = [process.version, process.platform, process.arch, process.env.CXX ?? ""];
  return createHash("sha256")
    .update([...versions, ...settings, ...lines].join("\n"))
    .digest("hex");
}

/** The record of a step: files that match `pattern` in folders, and `settings`. */
export class Stamp {
  #file;
  #wanted;

  constructor(name, { inputs, pattern, settings = [] }) {
    this.#file = join(STAMPS, `${name}.stamp`);
    this.#wanted = fingerprint(inputs, pattern, settings);
  }

  /** Returns whether the step was completed for the present inputs. */
  isFresh() {
    return existsSync(this.#file) && readFileSync(this.#file, "utf8") === this.#wanted;
  }

  /** Records that the step is completed. */
  write() {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, this.#wanted);
  }
}
