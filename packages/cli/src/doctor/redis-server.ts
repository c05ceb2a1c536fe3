import { errorMessage } from "@gumshoe/core";

import { type Finding, ok } from "./finding.js";

const NAME = "Redis server";
const ANSWERS_WITHIN_MS = 3000;
const NO_EVICTION = "noeviction";

/**
 * Checks the Redis of a cluster: whether it responds, does not evict keys, and has no keys of other
 * programs in the queues' places.
 *
 * @param env      holds GUMSHOE_REDIS_URL and related variables
 * @param cluster  name of the cluster in it
 * @returns        null when no Redis is configured
 */
export async function checkRedisServer(
  env: NodeJS.ProcessEnv,
  cluster: string,
): Promise<Finding | null> {
  if (!env["GUMSHOE_REDIS_URL"] && !env["GUMSHOE_REDIS_URL_FILE"]) return null;
  // Imported here, because most machines are checked without one.
  const { readRedisTls, readRedisUrl, RedisLink } = await import("@gumshoe/queue");
  try {
    const [url, tls] = [readRedisUrl(env), readRedisTls(env, "worker")];
    const link = await RedisLink.connect({ url, tls, cluster, waitMs: ANSWERS_WITHIN_MS });
    try {
      await link.checkKeys();
      return describePolicy(link.address, await link.evictionPolicy());
    } finally {
      link.close();
    }
  } catch (thrown) {
    const advice = "start it, or set GUMSHOE_REDIS_URL to the one that the cluster uses";
    return { name: NAME, verdict: "problem", detail: errorMessage(thrown), advice };
  }
}

function describePolicy(address: string, policy: string | null): Finding {
  if (policy === null || policy === NO_EVICTION) return ok(NAME, `${address} answers`);
  return {
    name: NAME,
    verdict: "warning",
    detail: `${address} drops jobs when its memory is full: maxmemory-policy ${policy}`,
    advice: `set maxmemory-policy ${NO_EVICTION}`,
  };
}
