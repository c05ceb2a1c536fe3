// Builds what checks the compiled kernels: build/cuda/checks has the programs of cuda/check, build/cuda/sm_80 and
// so on what nvcc and ptxas make. Prints a line of JSON: the architectures, none without nvcc.
import { findCompiler } from "./toolchain.mjs";
import {
  buildPrograms,
  buildPtx,
  EMULATION_FLAGS,
  findNvcc,
  keptBuild,
  NVCC_FLAGS,
} from "./cuda-toolchain.mjs";

const ARCHITECTURES = ["sm_80", "sm_90", "sm_100"];

const compiler = findCompiler();
if (compiler === null) throw new Error("no C++ compiler found");
await keptBuild("checks", [compiler, EMULATION_FLAGS], (folder) => buildPrograms(compiler, folder));
const cuda = findNvcc();
if (cuda !== null) {
  // One at a time: each takes half a gigabyte of memory.
  for (const architecture of ARCHITECTURES)
    await keptBuild(architecture, [cuda.version, NVCC_FLAGS], (folder) =>
      buildPtx(cuda, architecture, folder),
    );
}
console.log(JSON.stringify({ architectures: cuda === null ? [] : ARCHITECTURES }));
