// How the kernels of cuda/ are compiled: by this machine's C++ compiler for the emulation, by nvcc for GPUs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { nodeHeaders } from "./toolchain.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The folders of the kernels and of their emulation, and where compiled ones are kept. */
export const CUDA = join(HERE, "cuda");
export const EMULATION = join(CUDA, "emulation");
export const CHECK = join(CUDA, "check");
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

/** Finds nvcc and ptxas, in $CUDA_HOME/bin or on the path; null without them. */
export function findNvcc() {
  const folders = process.env.CUDA_HOME === undefined ? [] : [join(process.env.CUDA_HOME, "bin")];
  for (const folder of [...folders, ""]) {
    const [nvcc, ptxas] = ["nvcc", "ptxas"].map((name) => join(folder, name));
    const versions = [nvcc, ptxas].map((program) => spawnSync(program, ["--version"]));
    if (versions.every(({ status }) => status === 0))
      return { nvcc, ptxas, version: versions[0].stdout.toString() };
  }
  return null;
}

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
  for (const folder of [CUDA, EMULATION, CHECK]) {
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

/**
 * Builds the programs of cuda/check: `replay`, with the kernels in it, and `ptx-replay`.
 *
 * @param flags  for everything that is compiled but the emulation itself, such as a sanitizer's
 */
export async function buildPrograms(
  compiler,
  folder,
  { flags = [], emulation = [], link = [] } = {},
) {
  const include = ["-I", CUDA];
  writeFileSync(join(folder, "kernels.cu"), unitOf());
  const compile = async (source, own) => {
    const object = join(folder, `${basename(source)}.o`);
    const options = [...EMULATION_FLAGS, "-O2", ...own, ...include, "-x", "c++", "-c", source];
    await runCompiler(compiler.name, [...options, "-o", object]);
    return object;
  };
  const inCheck = (...names) => names.map((name) => compile(join(CHECK, name), flags));
  const reader = inCheck("case-file.cpp");
  const replay = [
    ...EMULATION_SOURCES.map((name) =>
      compile(join(EMULATION, name), name === "simt.cpp" ? emulation : flags),
    ),
    compile(join(folder, "kernels.cu"), flags),
    ...inCheck("replay.cpp"),
  ];
  const ptx = inCheck("ptx-replay.cpp", "ptx-parse.cpp", "ptx-run.cpp", "ptx-instructions.cpp");
  const build = async (name, parts) => {
    const objects = await Promise.all([...reader, ...parts]);
    // The program looks its kernels up by name.
    const options = ["-pthread", "-rdynamic", ...link, ...objects, "-ldl"];
    await runCompiler(compiler.name, [...options, "-o", join(folder, name)]);
  };
  await Promise.all([build("replay", replay), build("ptx-replay", ptx)]);
}

/** Compiles the kernels for a GPU: kernels.ptx, and usage.txt, what ptxas tells of registers and spills. */
export async function buildPtx({ nvcc, ptxas }, architecture, folder) {
  const source = join(folder, "kernels.cu");
  const [ptx, cubin] = ["kernels.ptx", "kernels.cubin"].map((name) => join(folder, name));
  writeFileSync(source, unitOf());
  await runCompiler(nvcc, [`-arch=${architecture}`, ...NVCC_FLAGS, "-ptx", source, "-o", ptx]);
  const usage = await runCompiler(ptxas, [`-arch=${architecture}`, "-v", ptx, "-o", cubin]);
  writeFileSync(join(folder, "usage.txt"), usage);
}

/** Builds the addon that launches the kernels of modules. */
export function buildEmulationAddon(compiler, folder) {
  const flags = [...EMULATION_FLAGS, "-O2", "-shared", "-I", nodeHeaders()];
  const shared = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const output = join(folder, "emulation.node");
  const source = join(EMULATION, "addon.cpp");
  return runCompiler(compiler.name, [...flags, ...shared, source, "-o", output]);
}
