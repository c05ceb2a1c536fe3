import { fileURLToPath } from "node:url";

/** Model of the runs that are measured. */
export const MODEL = fileURLToPath(new URL("../../../models/rookie", import.meta.url));

/** Workers of a cluster that is measured; each computes on one thread. */
export interface BenchWorkers {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
}

/** A cluster that lives for one measurement: Redis, coordinator and workers in processes of their own. */
export interface BenchCluster {
  /** host:port of the coordinator. */
  readonly address: string;
  readonly token: string;
  /** With the password. */
  readonly redisUrl: string;
  /** Prefix of the cluster's keys in Redis. */
  readonly name: string;
  readonly coordinatorPid: number | null;
  /** Aborted when one of the processes has ended for good. */
  readonly failure: AbortSignal;
  /** Ends all processes and removes the cluster's files. */
  stop(): Promise<void>;
}

/** Starts a cluster on this machine. The caller owns process supervision, so it passes this in. */
export type StartCluster = (workers: BenchWorkers) => Promise<BenchCluster>;
