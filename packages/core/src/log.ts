import { pino, type Logger } from "pino";

export type { Logger } from "pino";

/** Field names that never reach a log, at any depth of two. */
const SECRET_FIELDS = ["token", "password", "authorization", "redisUrl"];

/**
 * Makes the logger of one process: one JSON document per line, on stderr, without secrets.
 *
 * @param name   who speaks, e.g. `coordinator` or `inference-2`
 * @param level  a pino level; `silent` for none
 */
export function createLogger(name: string, level = "info"): Logger {
  return pino(
    {
      name,
      level,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
        censor: "[secret]",
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
