import type { ConfigDifference } from "@gumshoe/config";

/** Number of differences that are spelled out. */
const MAX_NAMED = 3;
/** Characters of a value in the message. */
const MAX_VALUE = 40;

/** Describes the differences of an earlier config and a new one: the first few with both values. */
export function describeDifferences(differences: readonly ConfigDifference[]): string {
  const named = differences
    .slice(0, MAX_NAMED)
    .map(
      ({ field, values: [before, now] }) =>
        `${field} is ${show(before)} there and ${show(now)} here`,
    );
  const numOthers = differences.length - named.length;
  if (numOthers > 0) named.push(`${numOthers} more ${numOthers === 1 ? "differs" : "differ"}`);
  return named.join(", ");
}

function show(value: unknown): string {
  if (value === undefined) return "not given";
  const text = JSON.stringify(value);
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 3)}...`;
}
