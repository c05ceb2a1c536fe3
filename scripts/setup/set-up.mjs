/** Sets up a fresh clone: dependencies, kernels, TypeScript, Redis. Skips completed steps. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { buildKernels, buildPage, bundleProcesses, compileTypeScript } from "./compile.mjs";
import { installDependencies } from "./dependencies.mjs";
import { obtainRedis } from "./redis.mjs";
import { ROOT, SetUpError } from "./step.mjs";

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const oldest = engines.node.replace(">=", "");
  if (isAtLeast(process.versions.node, oldest)) return;
  throw new SetUpError(
    `Gumshoe needs Node.js ${oldest} or newer; this is ${process.version} (${process.execPath}).`,
  );
}

/** Compares two versions, such as 20.9.0 and 20.18.1, part by part. */
function isAtLeast(version, oldest) {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

/** Runs the steps in order; `redis: false` skips Redis. */
export async function setUp({ redis }) {
  checkNode();
  await installDependencies();
  await buildKernels();
  await compileTypeScript();
  await bundleProcesses();
  await buildPage();
  if (redis) await obtainRedis();
}

/** Runs a script's main; a SetUpError is printed without a stack, and exits with code 1. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message.trimEnd()}\n`);
    process.exitCode = 1;
  }
}
