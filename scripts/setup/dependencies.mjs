/** Installs the dependencies when they are not what package-lock.json says. */
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

/** Says whether everything that the lock file asks for on every machine is installed. */
export function dependenciesAreInstalled() {
  // npm writes this file last, so it is not there after an installation that was interrupted.
  const installed = packagesOf("node_modules/.package-lock.json");
  return Object.entries(packagesOf("package-lock.json")).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/") || wanted.optional || wanted.peer) return true;
    if (wanted.link) return existsSync(join(ROOT, path));
    return installed[path]?.version === wanted.version;
  });
}

/** Brings node_modules to what the lock file says, from the registry that npm is set to. */
export async function installDependencies() {
  if (dependenciesAreInstalled()) return;
  await step("dependencies (npm ci)", () => mustRun("npm", ["ci", "--no-audit", "--no-fund"]));
}
