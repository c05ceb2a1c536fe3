// Builds the CPU kernels: one N-API addon, header-only against node-api-headers, with the machine's
// own C++ compiler. Does nothing when sources, compiler and flags are what they were.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, "cpu");
const output = join(here, "build");
const addon = join(output, "kernels.node");

// No fused operation that is not written, no reordering: the bits are part of the contract. No vectors of
// scalars that lie beside each other: g++ would keep the innermost loop's pointers in one, and in memory.
const FLAGS = [
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
const UNITS = [
  { name: "addon", source: "addon.cpp", flags: [] },
  { name: "pool", source: "pool.cpp", flags: [] },
  { name: "scalar", source: "isa.cpp", flags: ["-O2"] },
  ...(arch() === "x64"
    ? [
        { name: "avx2", source: "isa.cpp", flags: ["-DGUMSHOE_AVX2", "-mavx2", "-mfma"] },
        { name: "avx512", source: "isa.cpp", flags: ["-DGUMSHOE_AVX512", ...AVX512] },
      ]
    : []),
];

function findCompiler() {
  const wanted = process.env.CXX === undefined ? ["g++", "clang++", "c++"] : [process.env.CXX];
  for (const name of wanted) {
    const tried = spawnSync(name, ["--version"], { encoding: "utf8" });
    if (tried.status === 0) return { name, version: tried.stdout.split("\n")[0] };
  }
  console.error(
    `No C++ compiler found (tried ${wanted.join(", ")}).\n` +
      "Gumshoe's kernels are built on this machine. Install one and run the same command again:\n" +
      "  Debian, Ubuntu:  apt-get install g++\n" +
      "  Fedora:          dnf install gcc-c++\n" +
      "  macOS:           xcode-select --install",
  );
  process.exit(1);
}

function headers() {
  const require = createRequire(import.meta.url);
  const folder = require("node-api-headers").include_dir;
  if (!existsSync(join(folder, "node_api.h"))) {
    console.error("node-api-headers is not installed: run npm ci");
    process.exit(1);
  }
  return folder;
}

function fingerprint(compiler) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([compiler, FLAGS, UNITS, process.platform, arch()]));
  for (const file of readdirSync(sources).sort())
    hash.update(file).update(readFileSync(join(sources, file)));
  return hash.digest("hex");
}

function compile(compiler, include, folder, unit) {
  const object = join(folder, `${unit.name}.o`);
  const options = [...FLAGS, ...unit.flags, "-I", include, "-c", join(sources, unit.source)];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler.name, [...options, "-o", object], { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve(object) : reject(new Error(`${unit.source} did not compile`)),
    );
  });
}

const compiler = findCompiler();
const print = fingerprint(compiler);
const stamp = join(output, "fingerprint");
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, "utf8") === print) {
  process.exit(0);
}
const include = headers();
const scratch = join(output, `tmp-${process.pid}`);
mkdirSync(scratch, { recursive: true });
try {
  const objects = await Promise.all(UNITS.map((unit) => compile(compiler, include, scratch, unit)));
  const library = join(scratch, "kernels.node");
  const shared = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const options = ["-shared", "-pthread", ...shared, ...objects, "-o", library];
  const link = spawnSync(compiler.name, options, { stdio: "inherit" });
  if (link.status !== 0) throw new Error("the kernels did not link");
  renameSync(library, addon);
  writeFileSync(stamp, print);
} catch (error) {
  console.error(`Building the kernels failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
