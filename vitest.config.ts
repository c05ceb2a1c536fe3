import { defineConfig } from "vitest/config";

import { SkippedTests } from "./test/support/skipped-tests.js";

// Packages are tested as they are shipped: a package imports the others from `dist`, which is compiled first.
// Tests that start processes or train are in test/.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "test/support/build.ts",
    reporters: ["default", new SkippedTests()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
