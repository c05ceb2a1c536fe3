import { createLogger, errorMessage, type Logger, yieldCores } from "@gumshoe/core";

import { isRefusal, WorkerHost } from "./host/worker-host.js";
import { readSettings, type WorkerSettings } from "./settings.js";

const EXIT_FAILED = 1;
const EXIT_REFUSED = 2;

function settingsOrExit(): WorkerSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n`);
    process.exit(EXIT_REFUSED);
  }
}

function run(settings: WorkerSettings, logger: Logger): void {
  const host = new WorkerHost(settings, { logger });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void host.stop().finally(() => process.exit(0));
  };
  const fail = (error: unknown): void => {
    if (stopping) return;
    const refused = isRefusal(error);
    logger.fatal(refused ? {} : { err: error }, `worker cannot continue: ${errorMessage(error)}`);
    process.exit(refused ? EXIT_REFUSED : EXIT_FAILED);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  host.start(fail).catch(fail);
}

const settings = settingsOrExit();
// Before other threads are created, because they inherit it.
yieldCores(settings.nice);
run(settings, createLogger(settings.role, settings.logLevel));
