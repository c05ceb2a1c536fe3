export { type DeviceName, deviceText, parseDeviceName } from "./device-name.js";
export {
  CompilerMissingError,
  DeviceLostError,
  DeviceRefusedError,
  GpuTooOldError,
} from "./errors.js";
export { compileKernels, type GpuEnvironment } from "./kernels/kernel-images.js";
export { type ListedGpu, listGpus } from "./list-gpus.js";
export { namedDevices } from "./named-devices.js";
export { type DeviceOptions, openDevice } from "./open-device.js";
