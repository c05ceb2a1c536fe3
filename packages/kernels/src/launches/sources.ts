/** The texts of the CUDA kernels, for a compiler that reads no files. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { KernelStem } from "./launch.js";

const FOLDER = new URL("../../cuda/", import.meta.url);

/** A file of kernels with what it includes. */
export interface KernelSource {
  /** E.g. `rms-norm.cu`. */
  readonly name: string;
  readonly text: string;
  /** Texts by the names that they are included by. */
  readonly headers: Readonly<Record<string, string>>;
  /** Flags for nvcc and NVRTC. */
  readonly flags: readonly string[];
}

/** Reads a file of kernels. */
export function kernelSource(stem: KernelStem): KernelSource {
  const read = (file: string) => readFileSync(new URL(file, FOLDER), "utf8");
  const headers = readdirSync(FOLDER).filter((file) => file.endsWith(".h"));
  return {
    name: `${stem}.cu`,
    text: read(`${stem}.cu`),
    headers: Object.fromEntries(headers.sort().map((file) => [file, read(file)])),
    flags: JSON.parse(read("compile-flags.json")) as string[],
  };
}

/** Folder of kernels that were compiled for GPUs beforehand, as for a container image; it may be missing. */
export function compiledKernels(): string {
  return fileURLToPath(new URL("../../build/cuda/compiled/", import.meta.url));
}

/** Path of all kernels as a module for an emulated GPU, which build-emulation.mjs makes. */
export function emulatedKernels(): string {
  return fileURLToPath(new URL("../../build/cuda/emulation/kernels.so", import.meta.url));
}
