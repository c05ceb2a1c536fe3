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
 * How a rediss:// URL is reached: by the files of our own authority, or "system": Redis has a
 * certificate for its host's name that this machine trusts, as a rented one has. "off" says that a
 * redis:// URL is meant so.
 */
export type RedisTls = TlsFiles | "system" | "off";

/**
 * Reads where Redis is from GUMSHOE_REDIS_URL, and its password from GUMSHOE_REDIS_PASSWORD unless the
 * URL holds it. Both may come from files: see readSecret.
 *
 * @throws InvalidArgumentError naming the variable
 */
export function readRedisUrl(env: Readonly<Record<string, string | undefined>>): string {
  const text = readSecret(env, VARIABLE);
  if (text === null) throw new InvalidArgumentError(VARIABLE, "is not set");
  if (!URL.canParse(text)) throw new InvalidArgumentError(VARIABLE, "is not a URL");
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
 * Reads how Redis is reached: by the folder, `system` or `off` that GUMSHOE_REDIS_TLS names; else by
 * that of GUMSHOE_TLS; else as the system does.
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
