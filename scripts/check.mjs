/** `npm run check`: types, lint, format, architecture, generated code. Green before every commit. */
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, runQuietly } from "./setup/step.mjs";

const bin = (path) => [process.execPath, join(ROOT, "node_modules", path)];

const CHECKS = [
  { name: "types", command: [...bin("typescript/bin/tsc"), "-p", "tsconfig.tests.json"] },
  { name: "lint", command: [...bin("eslint/bin/eslint.js"), "--max-warnings=0", "."] },
  { name: "format", command: [...bin("prettier/bin/prettier.cjs"), "--check", "."] },
  {
    name: "architecture",
    command: [...bin("vitest/vitest.mjs"), "run", "test/architecture.test.ts"],
  },
];

async function check({ name, command }) {
  const startedAt = performance.now();
  process.stdout.write(`check: ${name} ... `);
  const [program, ...args] = command;
  const { code, output } = await runQuietly(program, args);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(code === 0 ? `ok, ${seconds} s\n` : `failed\n${output}\n`);
  return code === 0;
}

async function checkGenerated() {
  const protoc = await runQuietly("protoc", ["--version"]).catch(() => null);
  if (protoc === null) {
    process.stdout.write("check: generated code ... skipped, there is no protoc\n");
    return true;
  }
  return check({
    name: "generated code",
    command: [process.execPath, join(ROOT, "scripts/gen.mjs"), "--check"],
  });
}

await main(async () => {
  await setUp({ redis: false });
  let ok = true;
  for (const one of CHECKS) ok = (await check(one)) && ok;
  ok = (await checkGenerated()) && ok;
  return ok ? 0 : 1;
});
