import { type DestinationStream, pino, type Logger } from "pino";

export type { Logger } from "pino";

/** Names of fields that never reach a log, down to the third level (an error's details). */
const SECRET_FIELDS = ["token", "password", "authorization", "redisUrl"];

/** Secrets inside of texts: the user part of a URL, and bearer tokens. */
const SECRET_TEXTS = /(\w+:\/\/)[^\s"'/@]*@|(\bBearer )[\w.~+/=-]+/gi;

const CENSOR = "[secret]";

/**
 * Makes the logger of one process: one JSON document per line, on stderr, without secrets.
 *
 * @param name         who speaks, e.g. `coordinator` or `inference-2`
 * @param level        a pino level; `silent` for none
 * @param destination  where the lines go, if not to stderr
 */
export function createLogger(
  name: string,
  level = "info",
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): Logger {
  return pino(
    {
      name,
      level,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: CENSOR,
      },
      hooks: { streamWrite: withoutSecrets },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}

function withoutSecrets(line: string): string {
  return line.replace(
    SECRET_TEXTS,
    (_match, scheme: string | undefined, bearer: string | undefined) =>
      bearer === undefined ? `${scheme}${CENSOR}@` : `${bearer}${CENSOR}`,
  );
}
