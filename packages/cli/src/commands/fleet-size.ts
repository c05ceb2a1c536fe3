import { type FleetSize } from "../local/local-cluster.js";

/** The options that say how large a local cluster is. */
export interface FleetOptions {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
  readonly threads?: number;
}

/**
 * Returns the size of the cluster. Sampling and learning take turns, so that the workers of one role
 * share all cores among themselves unless their threads are given.
 */
export function fleetSize(options: FleetOptions, numCores: number): FleetSize {
  const { inference, trainers, reducers } = options;
  const share = Math.floor(numCores / Math.max(inference, trainers));
  return { inference, trainers, reducers, threads: options.threads ?? Math.max(1, share) };
}
