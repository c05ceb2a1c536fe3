/** Where the GPU's kernels come from: kept from an earlier compilation, or compiled now. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { hashJson } from "@gumshoe/core";
import { type CudaDriver, type Gpu, MissingLibraryError, Nvrtc } from "@gumshoe/cuda";
import {
  compiledKernels,
  emulatedKernels,
  KERNELS,
  type KernelStem,
  kernelSource,
} from "@gumshoe/kernels";

import { KeptImages } from "./kept-images.js";
import { CompilerMissingError, GpuTooOldError } from "../errors.js";

/** Compute capability of the oldest GPU that the kernels are for: asynchronous copies to shared memory. */
const OLDEST_CAPABILITY = 80;

/** Images of kernels by the stem of their file; several stems may have one image. */
export interface KernelImages {
  imageOf(stem: KernelStem): Uint8Array;
}

/** Variables of the process by which libraries and the cache are found. */
export type GpuEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Opens the kernels for a GPU.
 *
 * @throws GpuTooOldError
 */
export function openKernelImages(
  driver: CudaDriver,
  gpu: Gpu,
  environment: GpuEnvironment,
): KernelImages {
  if (gpu.name.startsWith("Emulated GPU")) return new EmulatedImages();
  const [major, minor] = gpu.computeCapability;
  const capability = 10 * major + minor;
  if (capability < OLDEST_CAPABILITY) throw new GpuTooOldError(gpu.name, capability);
  const [newestMajor = ""] = driver.version.split(".");
  return new CompiledImages(capability, { newestMajor: Number(newestMajor), environment });
}

/** The emulated driver takes one module with all kernels, which the tests' build makes. */
class EmulatedImages implements KernelImages {
  #image: Uint8Array | null = null;

  imageOf(): Uint8Array {
    return (this.#image ??= readFileSync(emulatedKernels()));
  }
}

/** Kernels that NVRTC compiles when they are not kept. */
export class CompiledImages implements KernelImages {
  readonly #kept: KeptImages;
  readonly #images = new Map<KernelStem, Uint8Array>();
  readonly #environment: GpuEnvironment;
  /** The newest major version of CUDA whose code the driver loads. */
  readonly #newestMajor: number;
  /** Null once it was looked for in vain; undefined before. */
  #nvrtc: Nvrtc | null | undefined = undefined;

  /** @param capability  10 major + minor, e.g. 90 */
  constructor(
    readonly capability: number,
    options: {
      readonly newestMajor: number;
      readonly environment: GpuEnvironment;
      /** Where compiled kernels are looked for; the first keeps what is compiled. Default: the user's cache. */
      readonly folders?: readonly string[];
    },
  ) {
    this.#newestMajor = options.newestMajor;
    this.#environment = options.environment;
    const folders = [keptFolder(options.environment), compiledKernels()];
    this.#kept = new KeptImages(options.folders ?? folders);
  }

  /** @throws CompilerMissingError, CompileError */
  imageOf(stem: KernelStem): Uint8Array {
    const image = this.#images.get(stem) ?? this.#obtain(stem);
    this.#images.set(stem, image);
    return image;
  }

  /** Takes the kept image, or compiles. */
  #obtain(stem: KernelStem): Uint8Array {
    const source = kernelSource(stem);
    const architecture = `sm_${this.capability}`;
    const key = { stem, source: hashJson(source), architecture };
    const nvrtc = this.#compiler();
    const wanted = nvrtc?.version ?? null;
    const kept = this.#kept.find(key, ([major, minor]) =>
      wanted === null ? major <= this.#newestMajor : major === wanted[0] && minor === wanted[1],
    );
    if (kept !== null) return kept.image;
    if (nvrtc === null) throw new CompilerMissingError(this.#newestMajor);
    if (!nvrtc.architectures.includes(this.capability)) {
      throw new CompilerMissingError(
        this.#newestMajor,
        `${nvrtc.library} does not know ${architecture}`,
      );
    }
    const { name, text, headers, flags } = source;
    const options = { architecture, options: [...flags, "-default-device"] };
    const { image } = nvrtc.compile({ name, text, headers }, options);
    if (typeof image === "string") throw new Error("a cubin was asked for");
    this.#kept.keep(key, { image, compiler: nvrtc.version });
    return image;
  }

  #compiler(): Nvrtc | null {
    if (this.#nvrtc !== undefined) return this.#nvrtc;
    try {
      const environment = { ...this.#environment };
      this.#nvrtc = Nvrtc.open({ environment, newestMajor: this.#newestMajor });
    } catch (thrown) {
      if (!(thrown instanceof MissingLibraryError)) throw thrown;
      this.#nvrtc = null;
    }
    return this.#nvrtc;
  }
}

/**
 * Compiles all kernels for some GPUs, which need not be there: for a container image.
 *
 * @param options.capabilities  10 major + minor of each, e.g. 90
 * @param options.folder        default: where every process looks for them
 * @returns                     how many files of kernels there are for each
 * @throws CompilerMissingError, CompileError
 */
export function compileKernels(options: {
  readonly capabilities: readonly number[];
  readonly environment: GpuEnvironment;
  readonly folder?: string;
}): number {
  const { capabilities, environment, folder = compiledKernels() } = options;
  const stems = new Set(Object.values(KERNELS).map(([, , stem]) => stem));
  for (const capability of capabilities) {
    const about = { newestMajor: Infinity, environment, folders: [folder] };
    const images = new CompiledImages(capability, about);
    for (const stem of stems) images.imageOf(stem);
  }
  return stems.size;
}

/** Folder of a user's cache in which compiled kernels are kept. */
function keptFolder(environment: GpuEnvironment): string {
  const cache = environment["XDG_CACHE_HOME"] ?? "";
  const home = environment["HOME"] ?? homedir();
  return join(cache === "" ? join(home, ".cache") : cache, "gumshoe", "kernels");
}
