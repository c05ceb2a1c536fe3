import { ClusterError, errorMessage, isDiskError, type Logger } from "@gumshoe/core";
import type { JobQueue } from "@gumshoe/queue";

import { RunStoppedError, RunStuckError } from "../errors.js";
import type { RunRecord } from "./run-record.js";

/** The parts that an end is reported to. */
interface EndOptions {
  readonly logger: Logger;
  readonly rolloutQueue: JobQueue<"rollout">;
  readonly gradientQueue: JobQueue<"gradient">;
}

/** Records the error that ended a run's work, and removes the run's jobs from the queues. */
export async function recordEnd(
  record: RunRecord,
  error: unknown,
  options: EndOptions,
): Promise<void> {
  const { logger } = options;
  const run = record.config.name;
  if (error instanceof RunStoppedError) {
    logger.info({ run }, error.message);
    // The next coordinator needs the jobs in the queues.
    if (error.reason === "shutdown") return;
    await recordCancel(record, logger);
  } else if (error instanceof RunStuckError) {
    const { role, deaths, lastCause: cause, message } = error;
    logger.error({ run, role, deaths, cause }, `run is ${message}`);
    const end = { type: "run-stuck", role, deaths, cause, error: message } as const;
    report(record, await record.end(end), logger);
  } else {
    const code = error instanceof ClusterError ? error.code : "INTERNAL";
    const known = error instanceof ClusterError && isDiskError(error);
    logger.error(known ? { run } : { run, err: error }, `run failed: ${errorMessage(error)}`);
    const end = { type: "run-failed", error: errorMessage(error), code } as const;
    report(record, await record.end(end), logger);
  }
  await removeJobs(run, options);
}

/** Records that a run was cancelled. */
export async function recordCancel(record: RunRecord, logger: Logger): Promise<void> {
  report(record, await record.end({ type: "run-cancelled" }), logger);
}

/** Removes a run's jobs from the queues; what is left of them is refused by the workers. */
export async function removeJobs(
  run: string,
  { rolloutQueue, gradientQueue }: Omit<EndOptions, "logger">,
): Promise<void> {
  await Promise.all([rolloutQueue.removeRun(run), gradientQueue.removeRun(run)]).catch(
    () => undefined,
  );
}

function report({ config }: RunRecord, failure: unknown, logger: Logger): void {
  if (failure === null) return;
  const problem = `the end of the run cannot be recorded: ${errorMessage(failure)}`;
  logger.error({ run: config.name }, problem);
}
