import { defineConfig } from "vitest/config";

import { SkippedTests } from "./test/support/skipped-tests.js";

/** Tests that replace a module of others, or set limits of their process. */
const ISOLATED = ["packages/coordinator/src/ledger/ledger.test.ts"];

// Packages are tested as they are shipped: a package imports the others from `dist`, which is compiled first.
// Tests that start processes or train are in test/.
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 3,
    globalSetup: "test/support/build.ts",
    reporters: ["default", new SkippedTests()],
    projects: [
      {
        extends: true,
        // Files share processes: to load all modules anew for each file took a quarter of the time.
        test: {
          name: "packages",
          include: ["packages/*/src/**/*.test.ts"],
          exclude: ISOLATED,
          isolate: false,
        },
      },
      { extends: true, test: { name: "system", include: [...ISOLATED, "test/**/*.test.ts"] } },
    ],
  },
});
