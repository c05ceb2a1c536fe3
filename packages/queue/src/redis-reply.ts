/**
 * Classifies error replies of Redis. Within a script, a command's error is wrapped; Redis 6 embeds
 * it in the text of another error, so the code is searched in the whole message.
 */

/**
 * Replies of a Redis that cannot do its work for a while: it starts, fails over, or has no room; its password
 * was changed, and this process waits to be started with the new one.
 */
const AWAY = [
  "READONLY",
  "OOM",
  "LOADING",
  "MISCONF",
  "CLUSTERDOWN",
  "MASTERDOWN",
  "NOREPLICAS",
  "TRYAGAIN",
  "BUSY",
  "WRONGPASS",
  "NOAUTH",
];
const AWAY_REPLY = new RegExp(`(?:^|[\\s-])(${AWAY.join("|")}) .*`, "s");
/** A Redis Cluster distributes keys by their hash slots. */
export const IS_CLUSTER =
  "it is a Redis Cluster, and the queues' scripts use keys of several slots; use a standalone server";
const REFUSED = /(?:^|[\s-])(NOPERM|CROSSSLOT|MOVED|ASK) .*/s;
const WRONG_TYPE = /(?:^|[\s-])WRONGTYPE /;

/**
 * Returns the reply of a temporarily unavailable Redis, without a script's additions; null for
 * other errors.
 */
export function awayReply(thrown: unknown): string | null {
  for (const error of withPrevious(thrown)) {
    const found = AWAY_REPLY.exec(error.message);
    if (found !== null) return found[0].trim().replace(/,? ?(?:script: |@user_script).*$/s, "");
  }
  return null;
}

/**
 * Returns, for people, why a Redis can never execute a command; null for other errors.
 *
 * @param cluster  prefix of the used keys
 */
export function refusalReply(thrown: unknown, cluster: string): string | null {
  for (const { message } of withPrevious(thrown)) {
    const [text = "", code] = REFUSED.exec(message) ?? [];
    if (code === "NOPERM") {
      const needed = `~gumshoe:${cluster}:* +@all -@dangerous +info`;
      return `its user lacks permissions that the queues need (${text.trim()}); grant it ${needed}`;
    }
    if (code !== undefined) {
      return IS_CLUSTER;
    }
    const unknown = /unknown command '?`?(\w+)/i.exec(message)?.[1];
    if (unknown !== undefined) return `it has no command ${unknown}, which the queues need`;
    if (/DB index/.test(message)) return "it has no database with the number in the URL";
  }
  return null;
}

/** Returns whether a key holds a value of another type than the command expects (WRONGTYPE). */
export function isWrongType(thrown: unknown): boolean {
  return withPrevious(thrown).some(({ message }) => WRONG_TYPE.test(message));
}

/** Returns an error and, for a failed transaction, the errors of its commands. */
function withPrevious(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return [];
  const previous = "previousErrors" in thrown ? thrown.previousErrors : [];
  return [thrown, ...(Array.isArray(previous) ? (previous as Error[]) : [])];
}
