// How the kernels of cuda/ are compiled: by this machine's C++ compiler for the emulation, by nvcc for GPUs.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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

/** Flags for nvcc and NVRTC. Contraction would change bits. */
export const NVCC_FLAGS = JSON.parse(readFileSync(join(CUDA, "compile-flags.json"), "utf8"));

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
  // `npm run check:native` preloads a sanitizer into the tests, with which nvcc crashes.
  const env = { ...process.env, LD_PRELOAD: undefined };
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env });
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

/** Hash of the sources in these folders, and of what else a build depends on. */
function fingerprintOf(parts, folders) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([parts, arch(), cpus()[0]?.model ?? ""]));
  for (const folder of folders) {
    for (const file of readdirSync(folder, { withFileTypes: true })) {
      if (file.isFile()) hash.update(file.name).update(readFileSync(join(folder, file.name)));
    }
  }
  return hash.digest("hex");
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes a lock file that names this process; false while a living process holds it. */
function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  // The holder may have removed it since.
  const holder = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  if (holder > 0 && !isAlive(holder)) rmSync(file, { force: true });
  return false;
}

/**
 * Makes a folder of build/cuda anew unless its stamp says that it is what it would be. Processes that want the
 * same folder wait for the first of them.
 *
 * @param parts    what the content depends on beside sources
 * @param make     called with an empty folder, to fill it
 * @param folders  where its sources lie
 * @returns      the folder
 */
export async function keptBuild(name, parts, make, folders = [CUDA, EMULATION]) {
  const folder = join(CUDA_BUILD, name);
  const stamp = join(folder, "fingerprint");
  const [lock, scratch] = [`${folder}.lock`, `${folder}.tmp`];
  const print = fingerprintOf(parts, folders);
  const isFresh = () => existsSync(stamp) && readFileSync(stamp, "utf8") === print;
  if (isFresh()) return folder;
  mkdirSync(CUDA_BUILD, { recursive: true });
  while (!tryLock(lock)) {
    await sleep(200);
    if (isFresh()) return folder;
  }
  try {
    if (isFresh()) return folder;
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
    await make(scratch);
    writeFileSync(join(scratch, "fingerprint"), print);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    rmSync(lock, { force: true });
  }
  return folder;
}

/**
 * Writes the sources of cuda/ with one text replaced, and a unit of some stems, into a new folder.
 *
 * @returns  the folder, named after the fault
 */
export function plantFault(parent, { name, file, from, to, stems }) {
  const folder = join(parent, name);
  mkdirSync(folder);
  // A quoted include looks beside the including file first, so all of them are copied.
  for (const source of readdirSync(CUDA).filter((entry) => /\.(cu|h)$/.test(entry))) {
    const text = readFileSync(join(CUDA, source), "utf8");
    const isFile = source === file;
    if (isFile && !text.includes(from)) throw new Error(`${name}: ${file} has no ${from}`);
    writeFileSync(join(folder, source), isFile ? text.replace(from, to) : text);
  }
  writeFileSync(join(folder, "kernels.cu"), unitOf(stems));
  return folder;
}

/** Compiles the emulation itself; returns its objects. */
export function buildEmulation(compiler, folder) {
  return Promise.all(
    EMULATION_SOURCES.map(async (name) => {
      const object = join(folder, `${name}.o`);
      const options = [...EMULATION_FLAGS, "-O2", "-c", join(EMULATION, name), "-o", object];
      await runCompiler(compiler.name, options);
      return object;
    }),
  );
}

/**
 * Builds a module for the fake driver and the emulation's addon: kernels.so, with the kernels of the folder's
 * kernels.cu.
 *
 * @param emulation  objects of `buildEmulation`
 */
export async function buildModule(compiler, folder, emulation, optimisation = "-O2") {
  const [source, kernels] = ["kernels.cu", "kernels.o"].map((name) => join(folder, name));
  const options = [...EMULATION_FLAGS, optimisation, "-I", CUDA, "-x", "c++", "-c", source];
  await runCompiler(compiler.name, [...options, "-o", kernels]);
  const output = join(folder, "kernels.so");
  await runCompiler(compiler.name, ["-shared", "-pthread", ...emulation, kernels, "-o", output]);
}

/**
 * Builds `replay` of cuda/check from a folder's kernels.cu.
 *
 * @param flags      for everything that is compiled but the scheduler of the emulation, such as a sanitizer's
 * @param scheduler  flags for that
 */
export async function buildReplay(
  compiler,
  folder,
  { flags = [], scheduler = [], link = [] } = {},
) {
  const sources = [
    [join(EMULATION, "simt.cpp"), scheduler],
    ...["copies.cpp", "module.cpp"].map((name) => [join(EMULATION, name), flags]),
    ...["case-file.cpp", "replay.cpp"].map((name) => [join(CHECK, name), flags]),
    [join(folder, "kernels.cu"), flags],
  ];
  // The program looks its kernels up by name.
  const options = ["-pthread", "-rdynamic", ...link];
  await linkProgram(compiler, { folder, name: "replay", sources, options });
}

/** Builds `ptx-replay` of cuda/check. */
export async function buildPtxReplay(compiler, folder) {
  const names = ["case-file", "ptx-replay", "ptx-parse", "ptx-run", "ptx-instructions"];
  const sources = names.map((name) => [join(CHECK, `${name}.cpp`), []]);
  await linkProgram(compiler, { folder, name: "ptx-replay", sources, options: [] });
}

/** Compiles sources, each with its own flags, and links them. */
async function linkProgram(compiler, { folder, name, sources, options }) {
  const objects = await Promise.all(
    sources.map(async ([source, flags]) => {
      const object = join(folder, `${name}-${basename(source)}.o`);
      const all = [...EMULATION_FLAGS, "-O2", ...flags, "-I", CUDA, "-x", "c++", "-c", source];
      await runCompiler(compiler.name, [...all, "-o", object]);
      return object;
    }),
  );
  await runCompiler(compiler.name, [...options, ...objects, "-ldl", "-o", join(folder, name)]);
}

/** Compiles a folder's kernels.cu for a GPU: kernels.ptx. */
export async function buildPtx({ nvcc }, architecture, folder, flags = NVCC_FLAGS) {
  const [source, ptx] = ["kernels.cu", "kernels.ptx"].map((name) => join(folder, name));
  const options = [`-arch=${architecture}`, ...flags, "-I", CUDA, "-ptx", source, "-o", ptx];
  await runCompiler(nvcc, options);
}

/** Makes machine code of a folder's kernels.ptx, and usage.txt: what ptxas tells of registers and spills. */
export async function buildUsage({ ptxas }, architecture, folder) {
  const [ptx, cubin] = ["kernels.ptx", "kernels.cubin"].map((name) => join(folder, name));
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
