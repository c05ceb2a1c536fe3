import type { Device } from "@gumshoe/kernels";

import type { StartCluster } from "./cluster.js";
import type { StartRun } from "./measured-run.js";
import type { ShapeName } from "./engine/shapes.js";

/** Options of all benchmarks. */
export interface BenchSettings {
  readonly shape: ShapeName;
  /** Opens the device that is measured, where a benchmark takes another than the CPU. */
  readonly openDevice: () => Device;
  /** Null for all cores. */
  readonly threads: number | null;
  /** Time for measuring. */
  readonly seconds: number;
  /** Number of simulated workers. */
  readonly workers: number;
  /** Number of jobs for these workers. */
  readonly jobs: number;
  /** Number of concurrent streams of a run's events. */
  readonly watchers: number;
  /** Config files of the runs whose memory is measured. */
  readonly configs: readonly string[];
  readonly startRun: StartRun;
  /** Called with a description of the current work and the share that is done. */
  readonly onProgress: (what: string, share: number) => void;
  readonly startCluster: StartCluster;
}
