import { type StartCluster } from "./cluster.js";
import { type ShapeName } from "./engine/shapes.js";

/** What every bench is told. */
export interface BenchSettings {
  readonly shape: ShapeName;
  /** Null for all cores. */
  readonly threads: number | null;
  /** Time to be spent on measuring. */
  readonly seconds: number;
  /** Simulated workers. */
  readonly workers: number;
  /** Jobs that they do. */
  readonly jobs: number;
  /** Streams of a run's events that are open at once. */
  readonly watchers: number;
  /** Shows what is being done, and the share of it that is done. */
  readonly onProgress: (what: string, share: number) => void;
  readonly startCluster: StartCluster;
}
