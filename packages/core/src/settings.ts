import { InvalidArgumentError } from "./errors.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Log levels, from the most verbose to silent. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const HIGHEST_PORT = 65_535;

/** Reads a variable; an empty one counts as not set, because compose files pass unset ones so. */
export function readVariable(env: Environment, name: string): string | null {
  return env[name] || null;
}

/** Reads GUMSHOE_LOG_LEVEL; `info` if it is not set. @throws InvalidArgumentError */
export function readLogLevel(env: Environment): string {
  const name = "GUMSHOE_LOG_LEVEL";
  const level = readVariable(env, name) ?? "info";
  if (LOG_LEVELS.some((known) => known === level)) return level;
  throw new InvalidArgumentError(name, `${level} is not one of ${LOG_LEVELS.join(", ")}`);
}

/**
 * Reads the address to listen on; port 0 for any free one.
 *
 * @returns  host:port, or null if the variable is not set
 * @throws   InvalidArgumentError
 */
export function readListenAddress(env: Environment, name: string): string | null {
  const address = readVariable(env, name);
  if (address === null || isAddress(address, 0)) return address;
  throw new InvalidArgumentError(name, `${address} is not host:port, such as 127.0.0.1:7070`);
}

/** Returns whether a text is host:port; an IPv6 address must be in brackets. */
export function isAddress(text: string, lowestPort: number): boolean {
  const port = /^(?:\[[^\s\]/]+\]|[^\s/:]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= lowestPort && Number(port) <= HIGHEST_PORT;
}

/**
 * Checks that a token can be sent in a header.
 *
 * @param field  setting that it comes from, for errors
 * @throws       InvalidArgumentError, without the token
 */
export function checkToken(field: string, token: string): void {
  if (/^[\x21-\x7e]{1,1000}$/.test(token)) return;
  const rule =
    "may have 1 to 1000 characters, of letters, digits and signs of ASCII, and no spaces";
  throw new InvalidArgumentError(field, rule);
}
