import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The tests of the kernels and the engine, which uses them most, with a sanitized build of the
// addon.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: [
      "packages/kernels/src/**/*.test.ts",
      "packages/engine/src/{sampler,trainer}/*.test.ts",
    ],
    setupFiles: [fileURLToPath(new URL("record-cases.ts", import.meta.url))],
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
