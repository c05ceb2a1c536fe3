/** The interface of a monitor, and the data that it receives about a run. */

/** The metrics of one iteration. */
export interface Point {
  /** The iteration; that after the last one for the validation of the final weights. */
  readonly step: number;
  /** When it ended, in ms since the epoch. */
  readonly atMs: number;
  /** Finite values, by their name in `metrics.jsonl`. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What was done in an iteration, by the run as a whole or by a worker. */
export interface Work {
  /** A phase of the run (`sampling`, `learning`, `checkpoint`, `other`), or a worker's work. */
  readonly kind: string;
  /** In ms since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Null for a phase. */
  readonly worker: { readonly id: string; readonly role: string } | null;
  /** Key of the worker's job; empty for none. */
  readonly job: string;
}

/** How a run ended. */
export type Outcome = "done" | "failed" | "cancelled";

/** A run as monitors see it: the values are those of the moment. */
export interface MonitoredRun {
  readonly name: string;
  readonly folder: string;
  /** The resolved config. */
  readonly config: unknown;
  readonly submittedAtMs: number;
  /** Null while it has not ended. */
  readonly outcome: Outcome | null;
  /** Whether the run was removed: its folder is not to be touched any more. */
  readonly isRemoved: boolean;
  /** Returns the points from a step on, at most `limit`, in the order of their steps. */
  points(from: number, limit: number): Point[];
  /** Returns what was done in an iteration that is done, in a fixed order; null for a step without one. */
  work(step: number): Promise<readonly Work[] | null>;
}

/** What is remembered of a run at a monitor. */
export interface Position {
  /** Random, made before the first contact: finds the run again at the monitor. */
  readonly id: string;
  /** Step of the next point to send. */
  readonly next: number;
  /** Whether the run's end was sent. */
  readonly hasEnded: boolean;
}

/** A place that shows metrics, such as TensorBoard. */
export interface Monitor {
  readonly name: string;
  /** Begins or continues a run. @throws Error when the monitor is away */
  open(run: MonitoredRun, position: Position): Promise<MonitorSession>;
}

/** A run that is open at a monitor. After an error it is closed and opened again. */
export interface MonitorSession {
  /** Step of the first point that the monitor did not have when it was opened. */
  readonly next: number;
  /** Sends points in order; resolves when the monitor, or its client on this machine, has them. */
  send(points: readonly Point[]): Promise<void>;
  /** Tells how the run ended. */
  finish(outcome: Outcome): Promise<void>;
  /** Releases what the session holds, without waiting for the monitor. */
  close(): void;
}
