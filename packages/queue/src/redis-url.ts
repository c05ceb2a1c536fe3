import { InvalidArgumentError, readSecret } from "@gumshoe/core";

const VARIABLE = "GUMSHOE_REDIS_URL";
const PASSWORD_VARIABLE = "GUMSHOE_REDIS_PASSWORD";

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
