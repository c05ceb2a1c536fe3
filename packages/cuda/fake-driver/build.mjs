// Builds the emulated driver, and emulations of NVRTC, cuBLASLt and NCCL, with the machine's own C++ compiler, and prints their folder.
// Does nothing when sources and compiler are what they were. Exit code 3: there is no compiler, or the system
// is not Linux.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const NO_COMPILER = 3;
const SOURCES = dirname(fileURLToPath(import.meta.url));
const BUILD = join(SOURCES, "../build");
const LOCK = join(BUILD, "lock");
const STALE_LOCK_MS = 300_000;
const FLAGS = ["-std=c++17", "-O1", "-g", "-fPIC", "-fvisibility=hidden", "-pthread", "-shared"];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** The libraries, by the names that programs load, and the files that each is made of. */
const LIBRARIES = [
  { name: "libcuda.so.1", isPart: (file) => !file.startsWith("fake-") },
  { name: "libnvrtc.so.13", isPart: (file) => file === "fake-nvrtc.cpp" },
  { name: "libcublasLt.so.13", isPart: (file) => file === "fake-cublas-lt.cpp" },
  { name: "libnccl.so.2", isPart: (file) => file === "fake-nccl.cpp" },
];

const compiler = process.env.CXX ?? "g++";
const version = spawnSync(compiler, ["--version"], { encoding: "utf8" });
if (version.status !== 0 || process.platform !== "linux") process.exit(NO_COMPILER);

const hash = createHash("sha256").update(JSON.stringify([compiler, version.stdout, FLAGS]));
const files = readdirSync(SOURCES).sort();
for (const file of files) hash.update(file).update(readFileSync(join(SOURCES, file)));
const folder = join(BUILD, `fake-driver-${hash.digest("hex").slice(0, 12)}`);

/** Compiles a library as one unit: its files include the same headers. */
function compile({ name, isPart }, into) {
  const parts = files.filter((file) => file.endsWith(".cpp") && isPart(file));
  const unit = parts.map((file) => `#include "${file}"\n`).join("");
  const output = [`-Wl,-soname,${name}`, "-o", join(into, name)];
  const options = [...FLAGS, ...WARNINGS, `-I${SOURCES}`, "-x", "c++", "-", ...output];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, options, { stdio: ["pipe", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${name}: not built`))));
    child.stdin.end(unit);
  });
}

async function build() {
  const scratch = mkdtempSync(join(BUILD, "tmp-"));
  try {
    await Promise.all(LIBRARIES.map((library) => compile(library, scratch)));
    mkdirSync(join(scratch, "modules"));
    for (const old of readdirSync(BUILD).filter((name) => /^fake-driver-\w+$/.test(name))) {
      rmSync(join(BUILD, old), { recursive: true });
    }
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Waits for other processes that build here; returns once this one may. */
async function takeLock() {
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    // A process that was killed leaves its lock.
    const heldMs = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (heldMs > STALE_LOCK_MS) rmSync(LOCK, { recursive: true, force: true });
    await sleep(100);
  }
}

if (!existsSync(folder)) {
  mkdirSync(BUILD, { recursive: true });
  await takeLock();
  try {
    if (!existsSync(folder)) await build();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}
process.stdout.write(`${folder}\n`);
