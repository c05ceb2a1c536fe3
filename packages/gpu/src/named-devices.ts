import { ClusterError } from "@gumshoe/core";
import { CudaDriver } from "@gumshoe/cuda";

import { type DeviceName, deviceText, parseDeviceName } from "./device-name.js";
import { refusal } from "./refusal.js";

/**
 * Reads the devices of some workers: `cpu`; `cuda` for all GPUs of this machine; or some of them, as in
 * `cuda:0,cuda:2`. A driver is loaded only when a GPU is named.
 *
 * @param field  the setting, for the message
 * @throws InvalidArgumentError; DeviceRefusedError when there is no such GPU, or no driver
 */
export function namedDevices(field: string, text: string): DeviceName[] {
  if (text === "cuda") return allGpus();
  const names = text.split(",").map((name) => parseDeviceName(field, name.trim()));
  for (const name of names) if (name.type === "cuda") mustExist(name);
  return names;
}

function allGpus(): DeviceName[] {
  try {
    const { gpuCount } = CudaDriver.open();
    return Array.from({ length: gpuCount }, (_, ordinal) => ({ type: "cuda", ordinal }));
  } catch (thrown) {
    throw refusal("cuda", thrown);
  }
}

function mustExist(name: Extract<DeviceName, { type: "cuda" }>): void {
  try {
    CudaDriver.open().gpu(name.ordinal);
  } catch (thrown) {
    if (!(thrown instanceof ClusterError)) throw thrown;
    throw refusal(deviceText(name), thrown);
  }
}
