/**
 * C++ format by clang-format, and faults by clang-tidy. Both checks are skipped if not installed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import { ADDON_UNITS, FLAGS, nodeHeaders, SOURCES } from "../../packages/kernels/toolchain.mjs";
import { Stamp } from "../setup/stamp.mjs";
import { ROOT, runQuietly } from "../setup/step.mjs";

const FOLDERS = [
  "packages/kernels/cpu",
  "packages/kernels/cuda",
  "packages/kernels/cuda/check",
  "packages/kernels/cuda/emulation",
  "test/native",
  "packages/cuda/fake-driver",
];
/** The oldest supported version of both. */
const OLDEST_VERSION = 14;
/** Flags of g++ that clang does not know. */
const CLANG = ["-Wno-unknown-warning-option", "-Wno-ignored-optimization-argument"];

function filesOf(pattern) {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name)),
  );
}

/** Returns the version text of a clang program, or null when there is none that is new enough. */
async function versionOf(program) {
  const { code, output } = await runQuietly(program, ["--version"]).catch(() => ({ code: 127 }));
  if (code !== 0) return null;
  const [, major = "0"] = /version (\d+)/.exec(output) ?? [];
  return Number(major) >= OLDEST_VERSION ? output : null;
}

const missing = (program) => ({ skipped: `there is no ${program} ${OLDEST_VERSION} or newer` });

/** Checks whether clang-format would change a file. */
export async function checkFormat() {
  if ((await versionOf("clang-format")) === null) return missing("clang-format");
  return runQuietly("clang-format", ["--dry-run", "-Werror", ...filesOf(/\.(cpp|h|cu)$/)]);
}

/** Runs clang-tidy; files that are unchanged since their last clean result are skipped. */
export async function checkFaults() {
  const version = await versionOf("clang-tidy");
  if (version === null) return missing("clang-tidy");
  const stamp = new Stamp("clang-tidy", {
    inputs: FOLDERS,
    pattern: /\.(cpp|h|cu)$/,
    settings: [version, readFileSync(join(ROOT, ".clang-tidy"), "utf8"), ...FLAGS],
  });
  if (stamp.isFresh()) return { code: 0, note: "unchanged" };
  const programs = filesOf(/\.cpp$/).filter((file) => !file.startsWith("packages/kernels/cpu/"));
  const units = [
    ...ADDON_UNITS.map(({ source, flags }) => ({ file: join(SOURCES, source), flags })),
    ...programs.map((file) => ({ file, flags: [] })),
  ];
  const results = await inParallel(units, ({ file, flags }) => {
    const options = [...FLAGS, ...CLANG, ...flags, "-I", SOURCES, "-I", nodeHeaders()];
    return runQuietly("clang-tidy", ["--quiet", file, "--", ...options]);
  });
  const failed = results.filter(({ code }) => code !== 0);
  if (failed.length === 0) stamp.write();
  return { code: failed.length, output: failed.map(({ output }) => output).join("\n") };
}

/** Runs `work` on every item, on as many at a time as there are cores. */
async function inParallel(items, work) {
  const results = [];
  const left = [...items];
  const take = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      results.push(await work(item));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, take));
  return results;
}
