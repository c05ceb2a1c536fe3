import { homedir } from "node:os";
import { join } from "node:path";

/** A Python package of NVRTC, pinned: a wheel, which is a zip file. */
export interface NvrtcWheel {
  readonly version: string;
  /** Name of the project on the index. */
  readonly project: string;
  /** File name of the wheel. */
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** The files in it that are needed. */
  readonly members: readonly string[];
}

const CUDA_13 = {
  version: "13.0.88",
  project: "nvidia-cuda-nvrtc",
  members: ["nvidia/cu13/lib/libnvrtc.so.13", "nvidia/cu13/lib/libnvrtc-builtins.so.13.0"],
};
const CUDA_12 = {
  version: "12.9.86",
  project: "nvidia-cuda-nvrtc-cu12",
  members: [
    "nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
    "nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9",
  ],
};

/** The wheels for Linux, by processor and by the major version of CUDA that the driver supports at least. */
const WHEELS: readonly (NvrtcWheel & { readonly arch: string; readonly major: number })[] = [
  {
    arch: "x64",
    major: 13,
    ...CUDA_13,
    file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    sha256: "ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575",
    bytes: 90_215_200,
  },
  {
    arch: "arm64",
    major: 13,
    ...CUDA_13,
    file: "nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
    sha256: "d27f20a0ca67a4bb34268a5e951033496c5b74870b868bacd046b1b8e0c3267b",
    bytes: 43_015_449,
  },
  {
    arch: "x64",
    major: 12,
    ...CUDA_12,
    file: "nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl",
    sha256: "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
    bytes: 89_568_129,
  },
  {
    arch: "arm64",
    major: 12,
    ...CUDA_12,
    file: "nvidia_cuda_nvrtc_cu12-12.9.86-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
    sha256: "096d4de6bda726415dfaf3198d4f5c522b8e70139c97feef5cd2ca6d4cd9cead",
    bytes: 44_528_905,
  },
];

/**
 * Returns the newest wheel that a driver can use the code of; null when there is none for the machine.
 *
 * @param arch          as `process.arch`
 * @param newestMajor   the major version of CUDA that the driver supports; Infinity when it is not known
 */
export function nvrtcWheel(arch: string, newestMajor: number): NvrtcWheel | null {
  const fitting = WHEELS.filter((wheel) => wheel.arch === arch && wheel.major <= newestMajor);
  return fitting[0] ?? null;
}

/** Returns the folder of a user's cache that a wheel's files are kept in. */
export function wheelFolder(version: string, environment: NodeJS.ProcessEnv): string {
  const home = environment["HOME"] ?? homedir();
  const cache = environment["XDG_CACHE_HOME"] ?? "";
  return join(cache === "" ? join(home, ".cache") : cache, "gumshoe", `nvrtc-${version}`);
}

/** Returns the folders that `fetchNvrtc` is used with, the newest version first. */
export function wheelFolders(environment: NodeJS.ProcessEnv): string[] {
  return [CUDA_13, CUDA_12].map(({ version }) => wheelFolder(version, environment));
}
