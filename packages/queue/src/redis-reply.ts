/**
 * What an error reply of Redis means. A script reports the reply of its command, in Redis 6 within the text of
 * another error, so the code is looked for in the whole message.
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
/** A cluster of Redis servers shares the keys out by their names. */
export const IS_CLUSTER =
  "it is a Redis Cluster, and the queues' scripts use keys of several slots; name a server that stands alone";
const REFUSED = /(?:^|[\s-])(NOPERM|CROSSSLOT|MOVED|ASK) .*/s;
const WRONG_TYPE = /(?:^|[\s-])WRONGTYPE /;

/** Returns what a Redis says that is away for now, without what a script adds to it; null for another error. */
export function awayReply(thrown: unknown): string | null {
  for (const error of withPrevious(thrown)) {
    const found = AWAY_REPLY.exec(error.message);
    if (found !== null) return found[0].trim().replace(/,? ?(?:script: |@user_script).*$/s, "");
  }
  return null;
}

/**
 * Returns why a Redis can never do the work that it is asked for, for people; null for another error.
 *
 * @param cluster  begins the keys that are used
 */
export function refusalReply(thrown: unknown, cluster: string): string | null {
  for (const { message } of withPrevious(thrown)) {
    const [text = "", code] = REFUSED.exec(message) ?? [];
    if (code === "NOPERM") {
      const needed = `~gumshoe:${cluster}:* +@all -@dangerous +info`;
      return `its user may not do what the queues need (${text.trim()}); allow it ${needed}`;
    }
    if (code !== undefined) {
      return IS_CLUSTER;
    }
    const unknown = /unknown command '?`?(\w+)/i.exec(message)?.[1];
    if (unknown !== undefined) return `it has no command ${unknown}, which the queues need`;
    if (/DB index/.test(message)) return "it has no database of the number that the URL names";
  }
  return null;
}

/** Says whether a key holds a value of another kind than the command expects. */
export function isWrongType(thrown: unknown): boolean {
  return withPrevious(thrown).some(({ message }) => WRONG_TYPE.test(message));
}

/** An error, and those of a transaction's commands that made it fail. */
function withPrevious(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return [];
  const previous = "previousErrors" in thrown ? thrown.previousErrors : [];
  return [thrown, ...(Array.isArray(previous) ? (previous as Error[]) : [])];
}
