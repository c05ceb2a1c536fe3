import { type DestinationStream, pino, type Logger } from "pino";

import { LogOutput } from "./log-output.js";

export type { Logger } from "pino";

/** Names of fields that are removed, down to the third level (an error's details). */
const SECRET_FIELDS = ["token", "password", "authorization", "redisUrl"];

/**
 * Secrets within texts: the user part of a URL, and bearer tokens. Matching is linear: a match
 * starts at a fixed sign, and the characters that it consumes exclude that sign.
 */
const SECRET_TEXTS = /(:\/\/)[^\s"'/@]*@|(\bBearer )[\w.~+/=-]+/gi;

/** Longest text of a field or message, in characters: callers control some of them. */
const MAX_TEXT = 2000;
/** Longest stack trace, in characters. */
const MAX_STACK = 8000;

const STDERR = 2;
/** Shared by all loggers of the process. */
let stderr: LogOutput | null = null;
const CENSOR = "[secret]";

/**
 * Creates the logger of one process: one JSON document per line, on stderr, without secrets.
 *
 * @param name         the process, e.g. `coordinator` or `inference-2`
 * @param level        a pino level; `silent` for none
 * @param destination  stream for the lines; default: stderr
 */
export function createLogger(
  name: string,
  level = "info",
  destination: DestinationStream = stderrOutput(),
): Logger {
  return pino(
    {
      name,
      level,
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: CENSOR,
      },
      formatters: { log: shortened },
      serializers: { err: shortError },
      hooks: {
        logMethod(args, method) {
          method.apply(this, shortArguments(args) as typeof args);
        },
        streamWrite: withoutSecrets,
      },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination,
  );
}

/** Truncates the message of a line, or of an error that is logged without a message. */
function shortArguments(args: readonly unknown[]): unknown[] {
  const short = args.map((arg) => (typeof arg === "string" ? cut(arg) : arg));
  const [first] = args;
  const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err;
  if (args.length === 1 && error instanceof Error) short.push(cut(error.message));
  return short;
}

/** Truncates the texts among the fields of a line. */
function shortened(fields: Record<string, unknown>): Record<string, unknown> {
  const isLong = (value: unknown) => typeof value === "string" && value.length > MAX_TEXT;
  if (!Object.values(fields).some(isLong)) return fields;
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? cut(value) : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function shortError(error: Error): object {
  const { message, stack, ...rest } = pino.stdSerializers.err(error);
  return { message: cut(message), stack: cut(stack, MAX_STACK), ...rest };
}

function cut(text: string, maxCharacters = MAX_TEXT): string {
  if (text.length <= maxCharacters) return text;
  return `${text.slice(0, maxCharacters)}... (${text.length} characters)`;
}

function withoutSecrets(line: string): string {
  return line.replace(
    SECRET_TEXTS,
    (_match, scheme: string | undefined, bearer: string | undefined) =>
      bearer === undefined ? `${scheme}${CENSOR}@` : `${bearer}${CENSOR}`,
  );
}

function stderrOutput(): LogOutput {
  stderr ??= new LogOutput(STDERR);
  return stderr;
}
