import { deviceText, namedDevices } from "@gumshoe/gpu";

import type { FleetSize } from "../local/local-cluster.js";

/** The options for the size of a local cluster. */
export interface FleetOptions {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
  readonly threads?: number;
}

/** The options of a local cluster that is started. */
export interface LocalFleetOptions extends FleetOptions {
  /** As `namedDevices` reads it. */
  readonly device: string;
}

/**
 * Returns the size of the cluster. Sampling and learning alternate, so the workers of each role
 * share all cores unless the number of threads is given.
 *
 * @throws InvalidArgumentError, DeviceRefusedError
 */
export function fleetSize(options: LocalFleetOptions, numCores: number): FleetSize {
  const { inference, trainers, reducers } = options;
  const share = Math.floor(numCores / Math.max(inference, trainers));
  const threads = options.threads ?? Math.max(1, share);
  const devices = namedDevices("--device", options.device).map(deviceText);
  return { inference, trainers, reducers, threads, devices };
}
