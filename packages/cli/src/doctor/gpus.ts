import { errorMessage } from "@gumshoe/core";
import { CudaDriver, type Gpu, MissingLibraryError, Nvrtc } from "@gumshoe/cuda";

import { type Finding, ok } from "./finding.js";

/** Checks the NVIDIA driver, its GPUs and NVRTC, which compiles kernels for them. None of them is needed. */
export function checkGpus(env: NodeJS.ProcessEnv): Finding[] {
  try {
    const driver = CudaDriver.open();
    const [major = ""] = driver.version.split(".");
    return [
      ...driver.gpus().map((gpu) => ok(`GPU ${gpu.ordinal}`, describe(gpu, driver.version))),
      checkNvrtc(env, Number(major)),
    ];
  } catch (thrown) {
    if (thrown instanceof MissingLibraryError) return [ok("GPU", "no NVIDIA driver")];
    const advice = "check it with nvidia-smi; without it there is the CPU";
    return [{ name: "GPU", verdict: "warning", detail: errorMessage(thrown), advice }];
  }
}

function describe(gpu: Gpu, driverVersion: string): string {
  const [major, minor] = gpu.computeCapability;
  const memory = `${(gpu.totalMemoryBytes / 2 ** 30).toFixed(1)} GiB`;
  return `${gpu.name}, ${memory}, sm_${major}${minor}, at ${gpu.pciBusId}; driver for CUDA ${driverVersion}`;
}

function checkNvrtc(env: NodeJS.ProcessEnv, newestMajor: number): Finding {
  const name = "NVRTC";
  try {
    const nvrtc = Nvrtc.open({ environment: env, newestMajor });
    return ok(name, `${nvrtc.version.join(".")}, ${nvrtc.library}`);
  } catch (thrown) {
    const detail =
      thrown instanceof MissingLibraryError
        ? "not in the library path, CUDA_HOME, the Python environment or the cache"
        : errorMessage(thrown);
    return { name, verdict: "warning", detail, advice: "npx gumshoe cuda fetch" };
  }
}
