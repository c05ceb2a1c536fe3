import { ClusterError } from "@gumshoe/core";

import { DeviceRefusedError } from "./errors.js";

/** Makes one line of an error that kept a device from being opened; other errors stay as they are. */
export function refusal(device: string, thrown: unknown): unknown {
  if (thrown instanceof DeviceRefusedError || !(thrown instanceof ClusterError)) return thrown;
  const [line = ""] = thrown.message.split("\n");
  // The field that the driver's own errors name is the device.
  const problem = line.replace(/^gpu: /, "");
  return new DeviceRefusedError(device, problem, { code: thrown.code, cause: thrown });
}
