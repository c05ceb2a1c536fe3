import {
  InvalidArgumentError,
  readSecret,
  readTls,
  readTlsFolder,
  type TlsFiles,
  type TlsRole,
} from "@gumshoe/core";

const VARIABLE = "GUMSHOE_REDIS_URL";
const PASSWORD_VARIABLE = "GUMSHOE_REDIS_PASSWORD";
const TLS_VARIABLE = "GUMSHOE_REDIS_TLS";

/**
 * TLS options of a rediss:// URL: files of this cluster's authority, or "system" for a certificate
 * of Redis's host name that this machine trusts, as hosted services have. "off" declares that a
 * plain redis:// URL is intended.
 */
export type RedisTls = TlsFiles | "system" | "off";

/**
 * Checks that a text is a Redis URL, and returns its address.
 *
 * @param field  setting that holds it, for errors
 * @returns      host:port, without the password
 * @throws       InvalidArgumentError
 */
export function checkRedisUrl(field: string, text: string): string {
  if (!URL.canParse(text)) {
    throw new InvalidArgumentError(field, "is not a URL such as redis://127.0.0.1:6379");
  }
  const { protocol, hostname, port, pathname } = new URL(text);
  if (protocol !== "redis:" && protocol !== "rediss:") {
    throw new InvalidArgumentError(field, "must begin with redis:// or rediss://");
  }
  if (hostname === "") throw new InvalidArgumentError(field, "names no host");
  if (!/^\/?\d*$/.test(pathname)) {
    throw new InvalidArgumentError(
      field,
      `${pathname} is not the number of a database, such as /0`,
    );
  }
  return `${hostname}:${port === "" ? "6379" : port}`;
}

/**
 * Reads the URL of Redis from GUMSHOE_REDIS_URL, and the password from GUMSHOE_REDIS_PASSWORD
 * unless the URL holds it. Both may come from files: see readSecret.
 *
 * @throws InvalidArgumentError naming the variable
 */
export function readRedisUrl(env: Readonly<Record<string, string | undefined>>): string {
  const text = readSecret(env, VARIABLE);
  if (text === null) throw new InvalidArgumentError(VARIABLE, "is not set");
  checkRedisUrl(VARIABLE, text);
  const password = readSecret(env, PASSWORD_VARIABLE);
  if (password === null) return text;
  const url = new URL(text);
  if (url.password !== "") {
    throw new InvalidArgumentError(PASSWORD_VARIABLE, `${VARIABLE} holds a password already`);
  }
  url.password = encodeURIComponent(password);
  return url.href;
}

/**
 * Reads the TLS options of Redis: the folder, `system` or `off` in GUMSHOE_REDIS_TLS; otherwise the
 * folder in GUMSHOE_TLS; otherwise the system's.
 *
 * @throws InvalidArgumentError naming the variable
 */
export function readRedisTls(
  env: Readonly<Record<string, string | undefined>>,
  role: TlsRole,
): RedisTls {
  const value = env[TLS_VARIABLE] || null;
  if (value === "system" || value === "off") return value;
  if (value !== null) return readTlsFolder(value, role, TLS_VARIABLE);
  return readTls(env, role) ?? "system";
}
