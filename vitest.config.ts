import { defineConfig } from "vitest/config";

// The packages are tested as they are shipped: a package sees the others through their built door
// (dist), so `npm test` builds first. Whatever starts processes or learns lives in test/.
export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
