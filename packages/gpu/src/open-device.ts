import { type CudaContext, CudaDriver, CudaError, type Gpu, ModuleImageError } from "@gumshoe/cuda";
import { createCpuDevice, type Device, type DeviceFault } from "@gumshoe/kernels";

import { CudaDevice } from "./cuda-device.js";
import { type DeviceName, deviceText } from "./device-name.js";
import { DeviceRefusedError } from "./errors.js";
import { refusal } from "./refusal.js";
import { type GpuEnvironment, openKernelImages } from "./kernels/kernel-images.js";

/** A driver's statuses that are told apart here (`CUresult`). */
const CUDA_ERROR_OUT_OF_MEMORY = 2;
const CUDA_ERROR_DEVICE_UNAVAILABLE = 46;

/** How a device is opened. */
export interface DeviceOptions {
  /** Threads of the CPU; default: all cores. */
  readonly threads?: number;
  /** For tests only. */
  readonly fault?: DeviceFault | null;
  /** The process's variables: where NVRTC and compiled kernels are looked for. */
  readonly environment: GpuEnvironment;
}

/**
 * Opens the device of this name. A GPU's kernels are compiled now, unless an earlier process kept them.
 *
 * @throws DeviceRefusedError that says in one line why the GPU cannot be used; KernelsMissingError on the CPU
 */
export function openDevice(name: DeviceName, options: DeviceOptions): Device {
  const { threads, fault = null } = options;
  if (name.type === "cpu") {
    return createCpuDevice(threads === undefined ? { fault } : { threads, fault });
  }
  try {
    return openGpu(name.ordinal, fault, options.environment);
  } catch (thrown) {
    throw refusal(deviceText(name), thrown);
  }
}

function openGpu(ordinal: number, fault: DeviceFault | null, environment: GpuEnvironment): Device {
  const driver = CudaDriver.open();
  const gpu = driver.gpu(ordinal);
  const images = openKernelImages(driver, gpu, environment);
  const context = retain(gpu);
  try {
    return new CudaDevice({ gpu, context, images, fault });
  } catch (thrown) {
    context.dispose();
    if (!(thrown instanceof ModuleImageError)) throw thrown;
    const problem = `the driver (CUDA ${driver.version}) does not load the kernels: update it; ${thrown.message}`;
    throw new DeviceRefusedError(`cuda:${ordinal}`, problem, { cause: thrown });
  }
}

function retain(gpu: Gpu): CudaContext {
  try {
    return gpu.createContext();
  } catch (thrown) {
    const status = thrown instanceof CudaError ? thrown.status.number : null;
    const problem =
      status === CUDA_ERROR_DEVICE_UNAVAILABLE
        ? `${gpu.name} is in use by a process that has it alone (nvidia-smi names it; nvidia-smi -c 0 lets processes share it)`
        : status === CUDA_ERROR_OUT_OF_MEMORY
          ? `${gpu.name} has no memory left for another process (nvidia-smi names those that use it)`
          : null;
    if (problem === null) throw thrown;
    throw new DeviceRefusedError(`cuda:${gpu.ordinal}`, problem, {
      code: "UNAVAILABLE",
      cause: thrown,
    });
  }
}
