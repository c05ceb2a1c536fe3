// Builds the CPU kernels: one N-API addon, header-only against node-api-headers, with the machine's
// own C++ compiler. Does nothing when sources, compiler and flags are what they were.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import {
  ADDON_UNITS,
  compileUnits,
  findCompiler,
  FLAGS,
  linkAddon,
  SOURCES,
} from "./toolchain.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "build");
const addon = join(output, "kernels.node");

function compilerOrExit() {
  const compiler = findCompiler();
  if (compiler !== null) return compiler;
  const tried = process.env.CXX ?? "g++, clang++, c++";
  console.error(
    `No C++ compiler found (tried ${tried}).\n` +
      "Gumshoe's kernels are built on this machine. Install one and run the same command again:\n" +
      "  Debian, Ubuntu:  apt-get install g++\n" +
      "  Fedora:          dnf install gcc-c++\n" +
      "  macOS:           xcode-select --install",
  );
  process.exit(1);
}

function fingerprint(compiler) {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([compiler, FLAGS, ADDON_UNITS, process.platform, arch()]));
  for (const file of readdirSync(SOURCES).sort())
    hash.update(file).update(readFileSync(join(SOURCES, file)));
  return hash.digest("hex");
}

const compiler = compilerOrExit();
const print = fingerprint(compiler);
const stamp = join(output, "fingerprint");
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, "utf8") === print) {
  process.exit(0);
}
const scratch = join(output, `tmp-${process.pid}`);
mkdirSync(scratch, { recursive: true });
try {
  const objects = await compileUnits(compiler, scratch, ADDON_UNITS);
  const library = join(scratch, "kernels.node");
  linkAddon(compiler, objects, library);
  renameSync(library, addon);
  writeFileSync(stamp, print);
} catch (error) {
  console.error(`Building the kernels failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
