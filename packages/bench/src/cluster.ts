import { fileURLToPath } from "node:url";

/** Model of the benchmark runs. */
export const MODEL = fileURLToPath(new URL("../../../models/rookie", import.meta.url));

/** Workers of a benchmark cluster; each computes on one thread. */
export interface BenchWorkers {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
}

/** A cluster for one benchmark: Redis, coordinator and workers in separate processes. */
export interface BenchCluster {
  /** host:port of the coordinator. */
  readonly address: string;
  readonly token: string;
  /** Includes the password. */
  readonly redisUrl: string;
  /** Prefix of the cluster's keys in Redis. */
  readonly name: string;
  readonly coordinatorPid: number | null;
  /** Aborted when one of the processes has ended and is not restarted. */
  readonly failure: AbortSignal;
  /** Ends all processes and removes the cluster's files. */
  stop(): Promise<void>;
}

/** Starts a cluster on this machine. Passed in by the caller, which owns process supervision. */
export type StartCluster = (workers: BenchWorkers) => Promise<BenchCluster>;
