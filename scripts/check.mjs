/**
 * `npm run check`: types, lint, format, architecture, generated files, C++. Required before every
 * commit.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { checkApi } from "./check/api.mjs";
import { checkFaults, checkFormat } from "./check/cpp.mjs";
import { checkConfigFiles, checkProtos } from "./check/generated.mjs";
import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, runQuietly } from "./setup/step.mjs";

const NODE = process.execPath;
const bin = (path) => join(ROOT, "node_modules", path);
const CACHE = join(ROOT, "node_modules/.cache/gumshoe");

/** A check by a program, which passes with exit code 0. */
const program =
  (...[name, ...args]) =>
  () =>
    runQuietly(name, args);

const LINT = {
  name: "lint",
  run: program(NODE, bin("eslint/bin/eslint.js"), "--max-warnings=0", "."),
};

/** All checks but the longest, in order. */
const OTHERS = [
  {
    name: "types",
    run: program(
      ...[NODE, bin("typescript/bin/tsc"), "-p", "tsconfig.tests.json", "--incremental"],
      ...["--tsBuildInfoFile", join(CACHE, "types.tsbuildinfo")],
    ),
  },
  {
    name: "types of the page",
    run: program(NODE, bin("typescript/bin/tsc"), "-p", "packages/dashboard/tsconfig.tests.json"),
  },
  { name: "format", run: program(NODE, bin("prettier/bin/prettier.cjs"), "--check", ".") },
  {
    name: "architecture",
    run: program(NODE, bin("vitest/vitest.mjs"), "run", "test/architecture.test.ts"),
  },
  {
    name: "unused code",
    run: program(NODE, bin("knip/bin/knip.js"), "--treat-config-hints-as-errors"),
  },
  { name: "generated code", run: checkProtos },
  { name: "config reference", run: checkConfigFiles },
  { name: "public API", run: checkApi },
  { name: "format of C++", run: checkFormat },
  { name: "faults in C++", run: checkFaults },
];

/** Runs a check and prints its result; returns whether it passed. */
async function check({ name, run }) {
  const startedAt = performance.now();
  const { code = 0, output = "", skipped = null, note = null } = await run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const verdict = code === 0 ? `ok, ${note ?? `${seconds} s`}` : `failed\n${output}`;
  process.stdout.write(
    `check: ${name} ... ${skipped === null ? verdict : `skipped, ${skipped}`}\n`,
  );
  return code === 0;
}

async function checkInTurn(checks) {
  let ok = true;
  for (const one of checks) ok = (await check(one)) && ok;
  return ok;
}

await main(async () => {
  await setUp({ redis: false });
  // The longest check takes about as long as all others together.
  const results = await Promise.all([checkInTurn([LINT]), checkInTurn(OTHERS)]);
  return results.every(Boolean) ? 0 : 1;
});
