/** Makes a fresh clone ready: dependencies, kernels, TypeScript, Redis. Skips what is done. */
import { buildKernels, compileTypeScript } from "./compile.mjs";
import { installDependencies } from "./dependencies.mjs";
import { obtainRedis } from "./redis.mjs";
import { SetUpError } from "./step.mjs";

const MIN_NODE_MAJOR = 20;

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= MIN_NODE_MAJOR) return;
  throw new SetUpError(
    `Gumshoe needs Node.js ${MIN_NODE_MAJOR} or newer; this is ${process.version} ` +
      `(${process.execPath}).`,
  );
}

/** Does the steps in order; `redis: false` leaves Redis out. */
export async function setUp({ redis }) {
  checkNode();
  await installDependencies();
  await buildKernels();
  await compileTypeScript();
  if (redis) await obtainRedis();
}

/** Runs a script's main; a problem that can be solved is told plainly and ends it with code 1. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`${error.message.trimEnd()}\n`);
    process.exitCode = 1;
  }
}
