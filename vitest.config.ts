import { defineConfig } from "vitest/config";

// The packages are tested as shipped: they import each other's built index (dist), so `npm test`
// builds first. Tests that start processes or train are in test/.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
