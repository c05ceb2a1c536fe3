/** Compiles what has changed before any test runs: packages see each other, and threads and processes start, from `dist`. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Called by Vitest once, before all tests. */
export function setup(): void {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], {
    cwd: ROOT,
    stdio: "inherit",
  });
}
