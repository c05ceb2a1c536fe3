/** Installs the dependencies when they differ from package-lock.json. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { mustRun, ROOT, step } from "./step.mjs";

/** Reads the packages of a lock file, by their path. */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), "utf8")).packages ?? {};
  } catch {
    return {};
  }
}

/** Returns whether all packages that the lock file requires on every machine are installed. */
function dependenciesAreInstalled() {
  // npm writes this file last, so it is missing after an interrupted installation.
  const installed = packagesOf("node_modules/.package-lock.json");
  return Object.entries(packagesOf("package-lock.json")).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/") || wanted.optional || wanted.peer) return true;
    if (wanted.link) return existsSync(join(ROOT, path));
    return installed[path]?.version === wanted.version;
  });
}

/** Installs the packages of the lock file, from npm's configured registry. */
export async function installDependencies() {
  if (dependenciesAreInstalled()) return;
  await step("dependencies (npm ci)", () => mustRun("npm", ["ci", "--no-audit", "--no-fund"]));
}
