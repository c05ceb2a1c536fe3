// Builds the emulated kernels: build/cuda/emulation/kernels.so, a module for the fake driver, and
// emulation.node, which launches it in a process of Node. Does nothing when they are what they would be.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  buildEmulation,
  buildEmulationAddon,
  buildModule,
  EMULATION_FLAGS,
  keptBuild,
  unitOf,
} from "./cuda-toolchain.mjs";
import { findCompiler } from "./toolchain.mjs";

const compiler = findCompiler();
if (compiler === null) {
  console.error("No C++ compiler found: the emulated kernels cannot be built.");
  process.exit(1);
}
try {
  await keptBuild("emulation", [compiler, EMULATION_FLAGS], async (folder) => {
    writeFileSync(join(folder, "kernels.cu"), unitOf());
    const addon = buildEmulationAddon(compiler, folder);
    await buildModule(compiler, folder, await buildEmulation(compiler, folder));
    await addon;
  });
} catch (error) {
  console.error(`Building the emulated kernels failed: ${error.message}`);
  process.exitCode = 1;
}
