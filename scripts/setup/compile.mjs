/** Builds the C++ kernels and the TypeScript; up-to-date parts are skipped in milliseconds. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { Stamp } from "./stamp.mjs";
import { mustRun, ROOT, step } from "./step.mjs";

/** Folders whose files become part of the page. */
const PAGE_SOURCES = ["packages/dashboard"];

/** Runs `work` unless it was done for the same inputs and its outputs still exist. */
async function whenChanged({ name, title, inputs, pattern, outputs }, work) {
  const stamp = new Stamp(name, { inputs, pattern });
  if (stamp.isFresh() && outputs.every((path) => existsSync(join(ROOT, path)))) return;
  await step(title, work);
  stamp.write();
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
    pattern: /^(?!.*\.test\.ts$).*\.tsx?$|^(tsconfig|package)\.json$/,
    outputs: packages.map((name) => `packages/${name}/dist/index.js`),
  };
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await whenChanged(about, () => mustRun(process.execPath, [tsc, "-b"]));
}

/** Bundles the compiled files of each process. */
export async function bundleProcesses() {
  const { bundlePackage, outdatedBundles } = await import("../bundle.mjs");
  const outdated = await outdatedBundles();
  if (outdated.length === 0) return;
  await step("bundles (Rolldown)", async () => {
    for (const name of outdated) await bundlePackage(name);
  });
}

/** Builds the web page into packages/dashboard/dist/page. */
export async function buildPage() {
  const about = {
    name: "page",
    title: "page (Vite)",
    inputs: PAGE_SOURCES,
    pattern: /^(?!.*\.test\.ts$).*\.(tsx?|css|html|svg)$|^vite\.config\.js$|^package\.json$/,
    outputs: ["packages/dashboard/dist/page/index.html"],
  };
  const vite = join(ROOT, "node_modules/vite/bin/vite.js");
  const args = ["build", "packages/dashboard", "--logLevel", "warn"];
  args.push("--config", "packages/dashboard/vite.config.js");
  await whenChanged(about, () => mustRun(process.execPath, [vite, ...args]));
}
