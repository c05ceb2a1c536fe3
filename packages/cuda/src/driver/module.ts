import { CudaError, ModuleImageError } from "../errors.js";
import { hostAddress } from "../foreign/shared-library.js";
import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope } from "./handle.js";
import { Kernel } from "./kernel.js";
import type { KernelParameter } from "./kernel-arguments.js";
import { CUDA_ERROR_INVALID_VALUE } from "./statuses.js";

const CU_JIT_ERROR_LOG_BUFFER = 5;
const CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;
const LOG_BYTES = 8192;

/** The begin of an ELF image, and offsets of fields of its header. */
const ELF_MAGIC = 0x7f454c46;
const ELF_HEADER_BYTES = 64;
const ELF_SECTIONS = 40;
const ELF_SECTION_BYTES = 58;
const ELF_SECTIONS_COUNT = 60;

/** Statuses that say that an image does not fit this GPU or driver. */
const UNFIT_IMAGE = new Set([200, 209, 218, 222, 300]);

/** Kernels that were loaded into a context. Its kernels end with it. */
export class CudaModule extends ContextHandle {
  private constructor(
    context: ContextScope,
    /** `CUmodule`. */
    readonly handle: number,
  ) {
    super("module", context);
  }

  /**
   * Loads an image: a cubin; or PTX as text, which the driver compiles.
   *
   * @throws ModuleImageError when it is not for this GPU or driver, with the driver's log; CudaError
   */
  static load(context: ContextScope, image: Uint8Array | string): CudaModule {
    context.enter();
    if (typeof image !== "string") checkWhole(image);
    // The driver reads a text up to its end, and an ELF image as far as its header says.
    const bytes = typeof image === "string" ? new TextEncoder().encode(`${image}\0`) : image;
    const log = new Uint8Array(LOG_BYTES);
    const options = Uint32Array.of(CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
    const values = BigUint64Array.of(BigInt(hostAddress(log)), BigInt(LOG_BYTES));
    const { calls } = context;
    try {
      const handle = calls.pointer(
        ...(["cuModuleLoadDataEx", calls.out, bytes, options.length, options, values] as const),
      );
      return new CudaModule(context, handle);
    } catch (error) {
      if (!(error instanceof CudaError) || !UNFIT_IMAGE.has(error.status.number)) throw error;
      const text = new TextDecoder().decode(log.subarray(0, Math.max(0, log.indexOf(0))));
      throw new ModuleImageError(`${error.message}${text === "" ? "" : `\n${text.trim()}`}`, error);
    }
  }

  /**
   * Finds a kernel by the name that it has in the image: write `extern "C"` before it.
   *
   * @throws CudaError when there is none (NOT_FOUND); KernelSignatureError when its parameters in the image have
   *   another number or other sizes (known since CUDA 12.4)
   */
  kernel<const P extends readonly KernelParameter[]>(name: string, parameters: P): Kernel<P> {
    const calls = this.enter();
    const handle = calls.pointer("cuModuleGetFunction", calls.out, this.handle, name);
    const sizes = parameterSizes(calls, handle);
    const kernel = new Kernel({ context: this.context, module: this, handle, name }, parameters);
    if (sizes !== null) kernel.checkSizes(sizes);
    return kernel;
  }

  protected override giveBack(calls: DriverCalls): void {
    calls.call("cuModuleUnload", this.handle);
  }
}

/**
 * Checks that an ELF image is as long as its header says: the driver is not told the length and would read on.
 *
 * @throws ModuleImageError
 */
function checkWhole(image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (image.length < ELF_HEADER_BYTES || view.getUint32(0, false) !== ELF_MAGIC) {
    throw new ModuleImageError("it is not an ELF image, as a cubin is", null);
  }
  const begin = view.getBigUint64(ELF_SECTIONS, true);
  const sections =
    view.getUint16(ELF_SECTION_BYTES, true) * view.getUint16(ELF_SECTIONS_COUNT, true);
  if (begin + BigInt(sections) <= BigInt(image.length)) return;
  throw new ModuleImageError(`it is cut off after ${image.length} bytes`, null);
}

/** Returns the sizes of a kernel's parameters in bytes; null when the driver is too old to tell. */
function parameterSizes(calls: DriverCalls, kernel: number): number[] | null {
  if (!calls.library.has("cuFuncGetParamInfo")) return null;
  const sizes: number[] = [];
  for (;;) {
    const status = calls.native.cuFuncGetParamInfo(kernel, sizes.length, calls.out, calls.out2);
    // Said past the last parameter.
    if (status === CUDA_ERROR_INVALID_VALUE) return sizes;
    calls.check("cuFuncGetParamInfo", status);
    sizes.push(calls.word(1));
  }
}
