/**
 * Creates the cluster's secrets if they are missing: the token and the Redis password.
 *
 * - Finishes before any other service starts; running it again changes nothing.
 * - Secrets are created atomically: written to a temporary file, then linked to the final name.
 * - Gumshoe's processes mount /secrets; Redis only mounts /redis-config.
 */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const SECRETS = "/secrets";
const REDIS_CONFIG = "/redis-config/redis.conf";
const SECRET_BYTES = 32;
/** A shorter secret was truncated or chosen carelessly. */
const MIN_SECRET_LENGTH = 16;

function secret(name) {
  const path = `${SECRETS}/${name}`;
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${randomBytes(SECRET_BYTES).toString("base64url")}\n`, {
    mode: 0o400,
    flush: true,
  });
  try {
    linkSync(draft, path);
    console.log(`created ${path}`);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    console.log(`${path} exists already`);
  } finally {
    rmSync(draft, { force: true });
  }
  const value = readFileSync(path, "utf8").trim();
  if (!/^[A-Za-z0-9_-]+$/.test(value) || value.length < MIN_SECRET_LENGTH) {
    console.error(
      `${path} must be one line of at least ${MIN_SECRET_LENGTH} letters, digits, - and _. ` +
        "Remove the file and start again.",
    );
    process.exit(1);
  }
  return value;
}

function redisConfig(password) {
  return [
    "bind * -::*",
    "dir /data",
    `requirepass ${password}`,
    "appendonly yes",
    "appendfsync everysec",
    'save ""',
    // Half of the container's limit, since a rewrite of the append-only file may copy all memory. At the limit
    // Redis reports OOM errors, which runs wait for, instead of being killed by the kernel.
    "maxmemory 256mb",
    // BullMQ's keys must never be evicted.
    "maxmemory-policy noeviction",
    "",
  ].join("\n");
}

secret("token");
const password = secret("redis-password");
// Redis runs as another user in this user's group (group_add of its service).
writeFileSync(`${REDIS_CONFIG}.new`, redisConfig(password), { mode: 0o440, flush: true });
renameSync(`${REDIS_CONFIG}.new`, REDIS_CONFIG);
