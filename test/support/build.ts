/**
 * Compiles changed packages before the tests, because packages import each other, and start threads
 * and processes, from `dist`; and the emulated CUDA kernels, which the tests of kernels run.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Called once by Vitest before all tests. */
export function setup(): void {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], {
    cwd: ROOT,
    stdio: "inherit",
  });
  execFileSync(process.execPath, ["packages/kernels/build-emulation.mjs"], {
    cwd: ROOT,
    stdio: "inherit",
  });
}
