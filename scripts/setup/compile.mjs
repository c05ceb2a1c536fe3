/** Builds the C++ kernels and the TypeScript; what is up to date is skipped in milliseconds. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { mustRun, ROOT, step } from "./step.mjs";

const STAMPS = join(ROOT, "node_modules/.cache/gumshoe");
const NOT_SOURCE = new Set(["node_modules", "dist", "build"]);

/** Lists files under a folder, sorted, with the size and time that change when they are edited. */
function describeFiles(folder, pattern) {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !NOT_SOURCE.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return describeFiles(path, pattern);
      if (!pattern.test(entry.name)) return [];
      const { size, mtimeMs } = statSync(join(ROOT, path));
      return [`${path} ${size} ${mtimeMs}`];
    });
}

function fingerprint(folders, pattern) {
  const lines = folders.flatMap((folder) => describeFiles(folder, pattern));
  const versions = [process.version, process.platform, process.arch, process.env.CXX ?? ""];
  return createHash("sha256")
    .update([...versions, ...lines].join("\n"))
    .digest("hex");
}

/** Does `work` unless it was done for the same inputs and its outputs are still there. */
async function whenChanged({ name, title, inputs, pattern, outputs }, work) {
  const stamp = join(STAMPS, `${name}.stamp`);
  const wanted = fingerprint(inputs, pattern);
  const done = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (done === wanted && outputs.every((path) => existsSync(join(ROOT, path)))) return;
  await step(title, work);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Builds the C++ addon with the machine's compiler. */
export async function buildKernels() {
  const about = {
    name: "kernels",
    title: "kernels (C++)",
    inputs: ["packages/kernels"],
    pattern: /\.(cpp|h|hpp|mjs)$/,
    outputs: ["packages/kernels/build"],
  };
  await whenChanged(about, () => mustRun(process.execPath, ["packages/kernels/build.mjs"]));
}

/** Compiles all packages. */
export async function compileTypeScript() {
  const packages = readdirSync(join(ROOT, "packages"));
  const about = {
    name: "typescript",
    title: "TypeScript (tsc)",
    inputs: ["packages"],
    pattern: /^(?!.*\.test\.ts$).*\.ts$|^(tsconfig|package)\.json$/,
    outputs: packages.map((name) => `packages/${name}/dist/index.js`),
  };
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await whenChanged(about, () => mustRun(process.execPath, [tsc, "-b"]));
}
