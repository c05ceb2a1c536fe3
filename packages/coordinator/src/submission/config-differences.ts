import { hashJson } from "@gumshoe/core";

/** Number of differences that are spelled out. */
const MAX_NAMED = 3;
/** Characters of a value in the message. */
const MAX_VALUE = 40;

/** A field whose values differ between two configs. */
export interface ConfigDifference {
  /** Path of the field, e.g. `optimizer.lr`. */
  readonly field: string;
  /** Undefined when the config does not set the field. */
  readonly before: unknown;
  readonly now: unknown;
}

/** Lists the fields that differ, in the order of the first config. */
export function configDifferences(before: unknown, now: unknown, field = ""): ConfigDifference[] {
  if (!isObject(before) || !isObject(now)) {
    const isSame = before === now || hashJson(before ?? null) === hashJson(now ?? null);
    return isSame ? [] : [{ field, before, now }];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].flatMap((name) =>
    configDifferences(before[name], now[name], field === "" ? name : `${field}.${name}`),
  );
}

/** Describes differences: the first few with both values. */
export function describeDifferences(differences: readonly ConfigDifference[]): string {
  const named = differences
    .slice(0, MAX_NAMED)
    .map(({ field, before, now }) => `${field} is ${show(before)} there and ${show(now)} here`);
  const numOthers = differences.length - named.length;
  if (numOthers > 0) named.push(`${numOthers} more ${numOthers === 1 ? "differs" : "differ"}`);
  return named.join(", ");
}

function show(value: unknown): string {
  if (value === undefined) return "not given";
  const text = JSON.stringify(value);
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 3)}...`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
