/**
 * `npm run check:native`: the kernels under sanitizers.
 *
 * 1. AddressSanitizer and UndefinedBehaviorSanitizer: the addon is built with both, and runs the
 * tests of the kernels and of the engine's sampler and trainer. Every operation is recorded.
 * 2. The same for the thread pool alone (test/native/pool.cpp).
 * 3. ThreadSanitizer: pool.cpp again, and all recorded operations with four threads (replay.cpp),
 * since it does not work in a Node.js process.
 * 4. ThreadSanitizer: the CUDA kernels on their emulation, whose threads it knows, on recorded cases of
 * every operation; and kernels that lack a barrier, which it must report.
 *
 * A compiler without sanitizers is reported, and is not a failure.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  buildReplay,
  CUDA_BUILD,
  plantFault,
  unitOf,
} from "../packages/kernels/cuda-toolchain.mjs";
import {
  compileUnits,
  ADDON_UNITS,
  findCompiler,
  FLAGS,
  KERNEL_UNITS,
  linkAddon,
  SOURCES,
} from "../packages/kernels/toolchain.mjs";
import { main, setUp } from "./setup/set-up.mjs";
import { mustRun, ROOT, runQuietly, SetUpError, step } from "./setup/step.mjs";

const DEBUG = ["-O1", "-g", "-fno-omit-frame-pointer"];
const MEMORY = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const RACES = ["-fsanitize=thread"];
const PROGRAMS = join(ROOT, "test/native");

/** Returns whether a program with this sanitizer can be built and run here. */
function works(compiler, folder, flags) {
  const program = join(folder, "probe");
  const source = "int main() { return 0; }";
  const options = ["-x", "c++", ...flags, "-", "-o", program];
  const built = spawnSync(compiler.name, options, { input: source });
  return built.status === 0 && spawnSync(program).status === 0;
}

/** Compiles a program of test/native against the pool or all kernels; returns its path. */
async function buildProgram(compiler, { folder, name, units, flags }) {
  mkdirSync(folder, { recursive: true });
  const objects = await compileUnits(compiler, folder, units, flags);
  const program = join(folder, name);
  const source = join(PROGRAMS, `${name}.cpp`);
  const options = [...FLAGS, ...flags, "-I", SOURCES, source, ...objects, "-o", program];
  await mustRun(compiler.name, options);
  return program;
}

/** Returns the sanitizer libraries to preload: Node.js itself is not sanitized. */
function runtimes(compiler) {
  return ["libasan.so", "libubsan.so"]
    .map((name) => spawnSync(compiler.name, [`-print-file-name=${name}`], { encoding: "utf8" }))
    .map(({ stdout }) => stdout.trim())
    .filter((path) => path.startsWith("/"))
    .join(" ");
}

async function testAddon(compiler, folder, cases) {
  const build = join(folder, "addon");
  mkdirSync(build, { recursive: true });
  const addon = join(build, "kernels.node");
  await step("addon with ASan and UBSan", async () => {
    const objects = await compileUnits(compiler, build, ADDON_UNITS, [...DEBUG, ...MEMORY]);
    linkAddon(compiler, objects, addon, MEMORY);
  });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const config = join(PROGRAMS, "vitest.config.ts");
  await step("tests of kernels and engine on it", async () => {
    const { code, output } = await runQuietly(process.execPath, [vitest, "run", "-c", config], {
      env: {
        ...process.env,
        LD_PRELOAD: runtimes(compiler),
        // Node.js frees nothing at exit; tests request allocations of impossible size.
        ASAN_OPTIONS: "detect_leaks=0:allocator_may_return_null=1",
        UBSAN_OPTIONS: "print_stacktrace=1",
        GUMSHOE_CHECK_ADDON: addon,
        GUMSHOE_CHECK_CASES: cases,
      },
    });
    if (code !== 0) throw new SetUpError(output);
  });
}

async function testMemory(compiler, folder, cases) {
  await testAddon(compiler, folder, cases);
  const flags = [...DEBUG, ...MEMORY];
  const units = KERNEL_UNITS.filter(({ name }) => name === "pool");
  await step("thread pool under ASan and UBSan", async () => {
    const at = join(folder, "pool-memory");
    const program = await buildProgram(compiler, { folder: at, name: "pool", units, flags });
    const env = { ...process.env, ASAN_OPTIONS: "allocator_may_return_null=1" };
    await mustRun(program, [], { env });
  });
}

async function testRaces(compiler, folder, cases) {
  const flags = [...DEBUG, ...RACES];
  const env = { ...process.env, TSAN_OPTIONS: "allocator_may_return_null=1:halt_on_error=1" };
  const units = KERNEL_UNITS.filter(({ name }) => name === "pool");
  await step("thread pool under TSan", async () => {
    const at = join(folder, "pool-races");
    await mustRun(await buildProgram(compiler, { folder: at, name: "pool", units, flags }), [], {
      env,
    });
  });
  const files = readdirSync(cases).map((name) => join(cases, name));
  let said = "";
  await step("recorded operations under TSan", async () => {
    const at = join(folder, "replay");
    const about = { folder: at, name: "replay", units: KERNEL_UNITS, flags };
    said = await mustRun(await buildProgram(compiler, about), files, { env });
  });
  process.stderr.write(said);
}

/** Builds emulated kernels under ThreadSanitizer and runs recorded cases; returns code and output. */
async function replayKernels(compiler, folder) {
  // Copies that the compiler writes out are not instrumented, nor is the scheduler, which marks the order.
  const flags = [...DEBUG, ...RACES, "-fno-builtin-memcpy", "-fno-builtin-memset"];
  const scheduler = ["-g", "-DSIMT_TSAN"];
  await buildReplay(compiler, folder, { flags, scheduler, link: RACES });
  const cases = join(CUDA_BUILD, "operations.cases");
  const env = { ...process.env, TSAN_OPTIONS: "halt_on_error=1" };
  return runQuietly(join(folder, "replay"), [cases], { env });
}

async function testKernelRaces(compiler, folder) {
  await step("emulated CUDA kernels under TSan", async () => {
    const at = join(folder, "kernels");
    mkdirSync(at);
    writeFileSync(join(at, "kernels.cu"), unitOf());
    const { code, output } = await replayKernels(compiler, at);
    if (code !== 0) throw new SetUpError(output);
  });
  await step("a kernel without a barrier is reported by TSan", async () => {
    const fault = {
      name: "missing-barrier",
      file: "matrix-product.h",
      from: "__syncthreads();\n    fetch(step + STAGES - 1);",
      to: "fetch(step + STAGES - 1);",
    };
    const { output } = await replayKernels(compiler, plantFault(folder, fault));
    if (!/WARNING: ThreadSanitizer: data race/.test(output)) throw new SetUpError(output);
  });
}

await main(async () => {
  await setUp({ redis: false });
  const compiler = findCompiler();
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-native-"));
  const cases = join(folder, "cases");
  mkdirSync(cases);
  try {
    if (!works(compiler, folder, MEMORY)) {
      process.stdout.write(`check:native: skipped, ${compiler.name} has no AddressSanitizer\n`);
      return 0;
    }
    await testMemory(compiler, folder, cases);
    if (works(compiler, folder, RACES)) {
      await testRaces(compiler, folder, cases);
      await testKernelRaces(compiler, folder);
    } else process.stdout.write(`check:native: races skipped, no ThreadSanitizer\n`);
    process.stdout.write("check:native: ok\n");
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
