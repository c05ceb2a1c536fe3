/**
 * Compiles changed packages before the tests, because packages import each other, and start threads
 * and processes, from `dist`; and the emulated CUDA kernels, which the tests of kernels run.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Called once by Vitest before all tests. */
export function setup(): void {
  run("node_modules/typescript/bin/tsc", "-b");
  run("scripts/bundle.mjs");
  run("packages/kernels/build-emulation.mjs");
}

function run(script: string, ...args: string[]): void {
  execFileSync(process.execPath, [script, ...args], { cwd: ROOT, stdio: "inherit" });
}
