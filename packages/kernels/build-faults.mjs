// Builds kernels with planted faults, which the tests must find: build/cuda/faults/<name>/kernels.so for the
// emulation, build/cuda/ptx-faults/<name>/kernels.ptx where the fault is one that only the GPU's compiler sees.
import {
  buildEmulation,
  buildModule,
  buildPtx,
  EMULATION_FLAGS,
  findNvcc,
  keptBuild,
  plantFault,
} from "./cuda-toolchain.mjs";
import { findCompiler } from "./toolchain.mjs";

/** Where the text of a source is replaced; `stems` are compiled. */
const FAULTS = [
  {
    name: "missing-barrier",
    file: "matrix-product.h",
    from: "__syncthreads();\n    fetch(step + STAGES - 1);",
    to: "fetch(step + STAGES - 1);",
    stems: ["linear"],
  },
  {
    name: "late-wait",
    file: "matrix-product.h",
    from: "copy_async_wait<STAGES - 2>();",
    to: "copy_async_wait<STAGES - 1>();",
    stems: ["linear"],
  },
  {
    name: "one-bit",
    file: "linear.cu",
    from: "y[at] = chain;",
    to: "y[at] = float_of(bits_of(chain) ^ (row == m - 1 && column == n - 1 ? 1u : 0u));",
    stems: ["linear"],
  },
  {
    name: "wrong-lane",
    file: "attention.cu",
    from: "shuffle_down(e, LANES, 32)",
    to: "shuffle_down(e, LANES - 1, 32)",
    stems: ["attention", "rows"],
  },
  {
    name: "missing-warp-barrier",
    file: "attention-backward.h",
    from: "warp_barrier();",
    to: "",
    stems: ["attention", "rows"],
  },
  {
    name: "divergent-barrier",
    file: "linear.cu",
    from: "__syncthreads();",
    to: "if (t == 0) warp_barrier();\n  else __syncthreads();",
    stems: ["linear"],
  },
];

/** Faults of what the GPU's compiler gets. */
const PTX_FAULTS = [
  {
    name: "wrong-group",
    file: "device.h",
    from: '"n"(PENDING)',
    to: '"n"(PENDING + 1)',
    stems: ["linear"],
  },
  {
    name: "contraction",
    file: "device.h",
    from: "",
    to: "",
    stems: ["rms-norm"],
    flags: ["-std=c++17"],
  },
];

const compiler = findCompiler();
if (compiler === null) throw new Error("no C++ compiler found");
await keptBuild("faults", [compiler, EMULATION_FLAGS, FAULTS], async (folder) => {
  const emulation = await buildEmulation(compiler, folder);
  for (const fault of FAULTS)
    await buildModule(compiler, plantFault(folder, fault), emulation, "-O1");
});
const cuda = findNvcc();
if (cuda !== null)
  await keptBuild("ptx-faults", [cuda.version, PTX_FAULTS], async (folder) => {
    for (const fault of PTX_FAULTS)
      await buildPtx(cuda, "sm_90", plantFault(folder, fault), fault.flags);
  });
console.log(JSON.stringify({ hasNvcc: cuda !== null }));
