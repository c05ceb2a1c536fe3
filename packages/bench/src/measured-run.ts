/** A run in processes of its own. */
export interface MeasuredRun {
  readonly name: string;
  /** Process that started the others. */
  readonly pid: number;
  readonly plannedBytes: number;
  /** Resolves when it is done. @throws BenchRunFailedError */
  readonly ended: Promise<void>;
}

/** Starts the run of a config file with one worker of each role. Passed in by the caller. */
export type StartRun = (configFile: string) => Promise<MeasuredRun>;
