// Builds the emulated driver and the emulated NVRTC with the machine's own C++ compiler, and prints their folder.
// Does nothing when sources and compiler are what they were. Exit code 3: there is no compiler, or the system
// is not Linux.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NO_COMPILER = 3;
const SOURCES = dirname(fileURLToPath(import.meta.url));
const BUILD = join(SOURCES, "../build");
const FLAGS = ["-std=c++17", "-O1", "-g", "-fPIC", "-fvisibility=hidden", "-pthread", "-shared"];
const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** The libraries, by the names that programs load, and the files that each is made of. */
const LIBRARIES = [
  { name: "libcuda.so.1", isPart: (file) => !file.startsWith("fake-") },
  { name: "libnvrtc.so.13", isPart: (file) => file === "fake-nvrtc.cpp" },
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
  const options = [...FLAGS, ...WARNINGS, `-I${SOURCES}`, "-x", "c++", "-", "-o", join(into, name)];
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, options, { stdio: ["pipe", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${name}: not built`))));
    child.stdin.end(unit);
  });
}

if (!existsSync(folder)) {
  mkdirSync(BUILD, { recursive: true });
  const scratch = mkdtempSync(join(BUILD, "tmp-"));
  await Promise.all(LIBRARIES.map((library) => compile(library, scratch)));
  mkdirSync(join(scratch, "modules"));
  try {
    renameSync(scratch, folder);
  } catch (error) {
    // Another process has built the same.
    if (!existsSync(folder)) throw error;
    rmSync(scratch, { recursive: true });
  }
  for (const old of readdirSync(BUILD)) {
    const path = join(BUILD, old);
    if (/^fake-driver-/.test(old) && path !== folder) rmSync(path, { recursive: true });
  }
}
process.stdout.write(`${folder}\n`);
