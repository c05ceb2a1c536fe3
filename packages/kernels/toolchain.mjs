// The machine's C++ compiler, and how it makes the units of the kernels: for the addon (build.mjs) and
// for the sanitized builds of scripts/check-native.mjs.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the kernels' sources. */
export const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "cpu");

// No fused operation that is not written, no reordering: the bits are part of the contract. No vectors of
// scalars that lie beside each other: g++ would keep the innermost loop's pointers in one, and in memory.
export const FLAGS = [
  "-std=c++20",
  "-O3",
  "-fno-tree-slp-vectorize",
  "-ffp-contract=off",
  "-fPIC",
  "-fvisibility=hidden",
  "-pthread",
  "-Wno-maybe-uninitialized",
];
const AVX512 = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma"];

/** The kernels once for each instruction set, and the threads they run on. */
export const KERNEL_UNITS = [
  { name: "pool", source: "pool.cpp", flags: [] },
  { name: "scalar", source: "isa.cpp", flags: ["-O2"] },
  ...(arch() === "x64"
    ? [
        { name: "avx2", source: "isa.cpp", flags: ["-DGUMSHOE_AVX2", "-mavx2", "-mfma"] },
        { name: "avx512", source: "isa.cpp", flags: ["-DGUMSHOE_AVX512", ...AVX512] },
      ]
    : []),
];

/** What the addon is linked from. */
export const ADDON_UNITS = [{ name: "addon", source: "addon.cpp", flags: [] }, ...KERNEL_UNITS];

/** Finds a compiler, `$CXX` first; returns its name and first version line, or null. */
export function findCompiler() {
  const wanted = process.env.CXX === undefined ? ["g++", "clang++", "c++"] : [process.env.CXX];
  for (const name of wanted) {
    const tried = spawnSync(name, ["--version"], { encoding: "utf8" });
    if (tried.status === 0) return { name, version: tried.stdout.split("\n")[0] };
  }
  return null;
}

/** Returns the folder of Node's C headers; throws when node-api-headers is not installed. */
export function nodeHeaders() {
  const folder = createRequire(import.meta.url)("node-api-headers").include_dir;
  if (existsSync(join(folder, "node_api.h"))) return folder;
  throw new Error("node-api-headers is not installed: run npm ci");
}

/** Compiles units side by side; returns their object files. `flags` come after those of the unit. */
export function compileUnits(compiler, folder, units, flags = []) {
  const include = nodeHeaders();
  return Promise.all(
    units.map((unit) => {
      const object = join(folder, `${unit.name}.o`);
      const source = join(SOURCES, unit.source);
      const options = [...FLAGS, ...unit.flags, ...flags, "-I", include, "-c", source];
      return new Promise((resolve, reject) => {
        const child = spawn(compiler.name, [...options, "-o", object], { stdio: "inherit" });
        child.on("error", reject);
        child.on("exit", (code) =>
          code === 0 ? resolve(object) : reject(new Error(`${unit.source} did not compile`)),
        );
      });
    }),
  );
}

/** Links the addon from its objects. */
export function linkAddon(compiler, objects, output, flags = []) {
  const shared = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const options = ["-shared", "-pthread", ...shared, ...flags, ...objects, "-o", output];
  const link = spawnSync(compiler.name, options, { stdio: "inherit" });
  if (link.status !== 0) throw new Error("the kernels did not link");
}
