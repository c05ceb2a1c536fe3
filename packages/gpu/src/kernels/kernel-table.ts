import {
  type CudaContext,
  CudaError,
  type CudaModule,
  type DeviceAddress,
  type Kernel,
  type KernelParameter,
  type Stream,
} from "@gumshoe/cuda";
import { type ArgumentType, KERNELS, type Launch, ShapeError } from "@gumshoe/kernels";

import type { KernelImages } from "./kernel-images.js";

/** Dynamic shared memory that a kernel may use without being allowed to, in bytes. */
const DEFAULT_SHARED_BYTES = 48 * 1024;

const PARAMETERS = {
  pointer: "address",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  f32: "f32",
} as const satisfies Record<ArgumentType, KernelParameter>;

type AnyKernel = Kernel<readonly KernelParameter[]>;

/** The kernels of one context, loaded when they are launched first. */
export class KernelTable {
  readonly #context: CudaContext;
  readonly #images: KernelImages;
  readonly #modules = new Map<Uint8Array, CudaModule>();
  readonly #kernels = new Map<string, AnyKernel>();

  constructor(context: CudaContext, images: KernelImages) {
    this.#context = context;
    this.#images = images;
  }

  /** Loads all modules, so that whatever lacks shows now. */
  load(): void {
    for (const [, , stem] of Object.values(KERNELS)) this.#moduleOf(this.#images.imageOf(stem));
  }

  /** Puts a launch into a stream. @throws CudaError; ShapeError when the GPU has too little shared memory */
  launch(stream: Stream, launch: Launch): void {
    const { grid, block, sharedBytes } = launch;
    const kernel = this.#kernels.get(launch.kernel) ?? this.#find(launch);
    const values = launch.arguments.map(([, value]) => value as DeviceAddress);
    kernel.launch({ stream, grid, block, sharedBytes }, ...values);
  }

  /** A kernel's parameters are what its first launch passes; the driver compares their sizes. */
  #find(launch: Launch): AnyKernel {
    const { kernel: name, sharedBytes } = launch;
    const [, , stem] = KERNELS[name];
    const module = this.#moduleOf(this.#images.imageOf(stem));
    const kernel: AnyKernel = module.kernel(
      name,
      launch.arguments.map(([type]) => PARAMETERS[type]),
    );
    if (sharedBytes > DEFAULT_SHARED_BYTES) allowShared(kernel, sharedBytes);
    this.#kernels.set(name, kernel);
    return kernel;
  }

  #moduleOf(image: Uint8Array): CudaModule {
    const known = this.#modules.get(image);
    if (known !== undefined) return known;
    const module = this.#context.loadModule(image);
    this.#modules.set(image, module);
    return module;
  }
}

function allowShared(kernel: AnyKernel, bytes: number): void {
  try {
    kernel.allowSharedBytes(bytes);
  } catch (thrown) {
    if (!(thrown instanceof CudaError) || thrown.isContextLost) throw thrown;
    const problem = `needs ${bytes / 1024} KiB of shared memory, more than this GPU has`;
    throw new ShapeError(kernel.name, "sharedBytes", problem);
  }
}
