// How the kernels of cuda/ are compiled: by this machine's C++ compiler for the emulation, by nvcc for GPUs.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { nodeHeaders } from "./toolchain.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The folders of the kernels and of their emulation, and where compiled ones are kept. */
export const CUDA = join(HERE, "cuda");
export const EMULATION = join(CUDA, "emulation");
export const CUDA_BUILD = join(HERE, "build/cuda");

/** Families of kernels: cuda/<stem>.cu. */
export const STEMS = readdirSync(CUDA)
  .filter((name) => name.endsWith(".cu"))
  .map((name) => name.slice(0, -3))
  .sort();

/** Flags for nvcc; NVRTC takes the same without `-I`. Contraction would change bits. */
export const NVCC_FLAGS = ["-std=c++17", "--fmad=false", "-I", CUDA];

// -march=native: without instructions for fused multiply-adds each one is a call of a function.
const NATIVE = arch() === "x64" ? ["-march=native"] : [];
/** Flags of everything that is emulated. */
export const EMULATION_FLAGS = [
  "-std=c++20",
  ...NATIVE,
  "-ffp-contract=off",
  "-fPIC",
  "-fvisibility=hidden",
  "-pthread",
  "-Wno-narrowing",
  "-Wno-maybe-uninitialized",
];

/** What a module consists of beside kernels. */
export const EMULATION_SOURCES = ["simt.cpp", "copies.cpp", "module.cpp"];

/** Text of one translation unit with all kernels. */
export function unitOf(stems = STEMS) {
  return stems.map((stem) => `#include "${stem}.cu"\n`).join("");
}

/** Runs a program; rejects with its output when it fails. */
export function runCompiler(program, args, input = null) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} failed:\n${output}`)),
    );
    child.stdin.end(input ?? "");
  });
}

/** Hash of all sources of cuda/, and of what else a build depends on. */
export function fingerprintOf(parts) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([parts, arch(), cpus()[0]?.model ?? ""]));
  for (const folder of [CUDA, EMULATION]) {
    for (const file of readdirSync(folder, { withFileTypes: true })) {
      if (file.isFile()) hash.update(file.name).update(readFileSync(join(folder, file.name)));
    }
  }
  return hash.digest("hex");
}

/**
 * Makes a folder of build/cuda anew unless its stamp says that it is what it would be.
 *
 * @param parts  what the content depends on beside the sources of cuda/
 * @param make   called with an empty folder, to fill it
 * @returns      the folder
 */
export async function keptBuild(name, parts, make) {
  const folder = join(CUDA_BUILD, name);
  const stamp = join(folder, "fingerprint");
  const print = fingerprintOf(parts);
  const isFresh = () => existsSync(stamp) && readFileSync(stamp, "utf8") === print;
  if (isFresh()) return folder;
  const scratch = `${folder}.tmp-${process.pid}`;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  try {
    await make(scratch);
    writeFileSync(join(scratch, "fingerprint"), print);
    if (isFresh()) return folder;
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

/**
 * Builds a module for the fake driver and the emulation's addon: a shared object with these kernels.
 *
 * @param folder  where kernels.cu, the unit to compile, lies, and objects go
 * @param include  folders that come before cuda/
 */
export async function buildModule(compiler, folder, include = []) {
  const includes = [...include, CUDA].flatMap((path) => ["-I", path]);
  const compile = (source, object, flags) =>
    runCompiler(compiler.name, [...EMULATION_FLAGS, ...flags, "-c", source, "-o", object]);
  const objects = [
    ...EMULATION_SOURCES.map((name) => join(EMULATION, name)),
    join(folder, "kernels.cu"),
  ].map((source, i) => ({ source, object: join(folder, `${i}.o`) }));
  await Promise.all(
    objects.map(({ source, object }) => compile(source, object, ["-O2", ...includes, "-x", "c++"])),
  );
  const library = join(folder, "kernels.so");
  const inputs = objects.map(({ object }) => object);
  await runCompiler(compiler.name, ["-shared", "-pthread", ...inputs, "-o", library]);
  return library;
}

/** Builds the addon that launches the kernels of modules. */
export function buildEmulationAddon(compiler, folder) {
  const flags = [...EMULATION_FLAGS, "-O2", "-shared", "-I", nodeHeaders()];
  const shared = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const output = join(folder, "emulation.node");
  const source = join(EMULATION, "addon.cpp");
  return runCompiler(compiler.name, [...flags, ...shared, source, "-o", output]);
}
