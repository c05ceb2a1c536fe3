/** Finds a Python with gRPC for the test of examples/client-python, or creates one with pip. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";

import { ROOT, runQuietly, step } from "./step.mjs";

/** The virtual environment, removed when the dependencies are reinstalled. */
const FOLDER = join(ROOT, "node_modules/.cache/gumshoe-python");
const REQUIREMENTS = join(ROOT, "examples/client-python/requirements.txt");
const CANDIDATES = ["python3", "/usr/bin/python3", join(FOLDER, "bin/python3")];
const DEADLINE_MS = 180_000;

async function hasGrpc(python) {
  const { code } = await quietly(python, ["-c", "import grpc, grpc_tools"]);
  return code === 0;
}

async function quietly(program, args) {
  try {
    return await runQuietly(program, args, { timeout: DEADLINE_MS });
  } catch {
    return { code: 127, output: `${program} is not there` };
  }
}

async function find() {
  for (const python of [env.GUMSHOE_PYTHON, ...CANDIDATES]) {
    if (python !== undefined && (await hasGrpc(python))) return python;
  }
  return null;
}

/**
 * Returns the path of a Python with grpcio and grpcio-tools, or null. The Python program is
 * optional: without it its tests are skipped with a message.
 */
export async function obtainPython() {
  const found = await find();
  if (found !== null || existsSync(FOLDER)) return found;
  const pip = ["install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
  let problem = "";
  await step("Python with gRPC, for one test", async () => {
    for (const [program, args] of [
      ["python3", ["-m", "venv", FOLDER]],
      [join(FOLDER, "bin/pip"), pip],
    ]) {
      const { code, output } = await quietly(program, args);
      if (code !== 0) {
        problem = output.trimEnd().split("\n").at(-1) ?? "";
        return;
      }
    }
  });
  if (problem !== "") console.error(`examples/client-python is not tested: ${problem}`);
  return find();
}
