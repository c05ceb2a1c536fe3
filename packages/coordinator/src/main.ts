import {
  ClusterError,
  createLogger,
  type ErrorCode,
  errorMessage,
  type Logger,
} from "@gumshoe/core";

import { Coordinator } from "./coordinator.js";
import { keepHeapGrowthSmall } from "./heap-growth.js";
import { type CoordinatorSettings, readSettings } from "./settings.js";

const EXIT_FAILED = 1;
const EXIT_WRONG_SETTINGS = 2;
/** Codes of errors that a restart would not cure, such as a wrong Redis password. */
const WRONG: readonly ErrorCode[] = ["INVALID_ARGUMENT", "UNAUTHENTICATED"];
/** Time limit of a clean stop, in ms. */
const STOP_BUDGET_MS = 8000;

function settingsOrExit(): CoordinatorSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n`);
    process.exit(EXIT_WRONG_SETTINGS);
  }
}

function run(settings: CoordinatorSettings, logger: Logger): void {
  const coordinator = new Coordinator(settings, { logger });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(EXIT_FAILED), STOP_BUDGET_MS).unref();
    void coordinator.stop().finally(() => process.exit(0));
  };
  const fail = (error: unknown): void => {
    const known = error instanceof ClusterError;
    logger.fatal(
      known ? {} : { err: error },
      `coordinator cannot continue: ${errorMessage(error)}`,
    );
    process.exit(known && WRONG.includes(error.code) ? EXIT_WRONG_SETTINGS : EXIT_FAILED);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // A start that is aborted by a stop is not a failure.
  coordinator.start(fail).catch((error: unknown) => (stopping ? undefined : fail(error)));
}

keepHeapGrowthSmall();
const settings = settingsOrExit();
run(settings, createLogger("coordinator", settings.logLevel));
