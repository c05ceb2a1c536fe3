/**
 * Makes the cluster's secrets where there are none: the token, and the password of Redis.
 *
 * - Runs to its end before anything else starts; run again, it changes nothing.
 * - A secret appears whole or not at all: it is written beside its place and linked into it.
 * - /secrets is for Gumshoe's own processes; /redis-config is all that Redis sees.
 */
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const SECRETS = "/secrets";
const REDIS_CONFIG = "/redis-config/redis.conf";
const SECRET_BYTES = 32;
/** A secret that is shorter was cut off, or made by somebody in a hurry. */
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
    console.log(`${path} is made`);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    console.log(`${path} is there already`);
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
    // Half of the container's limit: a rewrite of the append-only file may copy all of it. Redis then says
    // that its memory is full, and is waited for, instead of being ended by the kernel.
    "maxmemory 256mb",
    // BullMQ's keys must never be thrown out.
    "maxmemory-policy noeviction",
    "",
  ].join("\n");
}

secret("token");
const password = secret("redis-password");
// Redis runs under another user, of the group of this one (group_add of its service).
writeFileSync(`${REDIS_CONFIG}.new`, redisConfig(password), { mode: 0o440, flush: true });
renameSync(`${REDIS_CONFIG}.new`, REDIS_CONFIG);
