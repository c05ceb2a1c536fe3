import { type FleetSize } from "../local/local-cluster.js";

/** The options for the size of a local cluster. */
export interface FleetOptions {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
  readonly threads?: number;
}

/**
 * Returns the size of the cluster. Sampling and learning alternate, so the workers of each role
 * share all cores unless the number of threads is given.
 */
export function fleetSize(options: FleetOptions, numCores: number): FleetSize {
  const { inference, trainers, reducers } = options;
  const share = Math.floor(numCores / Math.max(inference, trainers));
  return { inference, trainers, reducers, threads: options.threads ?? Math.max(1, share) };
}
