import { CudaDriver } from "@gumshoe/cuda";

import { refusal } from "./refusal.js";

/** A GPU of this machine. */
export interface ListedGpu {
  /** Its number among those that CUDA_VISIBLE_DEVICES leaves, or that the container sees. */
  readonly ordinal: number;
  /** E.g. `GPU-2b7d...`: the same in every container of the machine. */
  readonly uuid: string;
  readonly name: string;
}

/**
 * Lists the GPUs that this process sees.
 *
 * @throws DeviceRefusedError when there is no driver, or no GPU
 */
export function listGpus(): ListedGpu[] {
  try {
    const driver = CudaDriver.open();
    return Array.from({ length: driver.gpuCount }, (_, ordinal) => {
      const { uuid, name } = driver.gpu(ordinal);
      return { ordinal, uuid, name };
    });
  } catch (thrown) {
    throw refusal("cuda:free", thrown);
  }
}
