import { hashJson } from "@gumshoe/core";

/** A field whose values differ between configs. */
export interface ConfigDifference {
  /** Path of the field, e.g. `optimizer.lr`. */
  readonly field: string;
  /** One per config; undefined where the field is not set. */
  readonly values: unknown[];
}

/** Lists the fields in which configs differ, in the order of the first config that has them. */
export function configDifferences(configs: readonly unknown[], field = ""): ConfigDifference[] {
  if (configs.every(isObject)) {
    const names = new Set(configs.flatMap((config) => Object.keys(config)));
    return [...names].flatMap((name) =>
      configDifferences(
        configs.map((config) => config[name]),
        field === "" ? name : `${field}.${name}`,
      ),
    );
  }
  const isSame = new Set(configs.map((value) => hashJson(value ?? null))).size <= 1;
  return isSame ? [] : [{ field, values: [...configs] }];
}

/** Lists what differs between the configs of several runs, besides their names; null where a field is not set. */
export function runDifferences(configs: readonly unknown[]): ConfigDifference[] {
  return configDifferences(configs)
    .filter(({ field }) => field !== "name")
    .map(({ field, values }) => ({ field, values: values.map((value) => value ?? null) }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
