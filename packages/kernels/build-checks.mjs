// Builds what checks the compiled kernels: build/cuda/checks has the programs of cuda/check, build/cuda/sm_80 and
// so on what nvcc and ptxas make. Prints a line of JSON: the architectures, none without nvcc.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  buildPtx,
  buildPtxReplay,
  buildReplay,
  buildUsage,
  CHECK,
  CUDA,
  EMULATION,
  EMULATION_FLAGS,
  findNvcc,
  keptBuild,
  NVCC_FLAGS,
  unitOf,
} from "./cuda-toolchain.mjs";
import { findCompiler } from "./toolchain.mjs";

const ARCHITECTURES = ["sm_80", "sm_90", "sm_100"];

const compiler = findCompiler();
if (compiler === null) throw new Error("no C++ compiler found");
const buildChecks = async (folder) => {
  writeFileSync(join(folder, "kernels.cu"), unitOf());
  await Promise.all([buildReplay(compiler, folder), buildPtxReplay(compiler, folder)]);
};
const sources = [CUDA, EMULATION, CHECK];
await keptBuild("checks", [compiler, EMULATION_FLAGS], buildChecks, sources);
const cuda = findNvcc();
if (cuda !== null) {
  // One at a time: each takes half a gigabyte of memory.
  for (const architecture of ARCHITECTURES) {
    const compile = async (folder) => {
      writeFileSync(join(folder, "kernels.cu"), unitOf());
      await buildPtx(cuda, architecture, folder);
      await buildUsage(cuda, architecture, folder);
    };
    await keptBuild(architecture, [cuda.version, NVCC_FLAGS], compile, [CUDA]);
  }
}
console.log(JSON.stringify({ architectures: cuda === null ? [] : ARCHITECTURES }));
