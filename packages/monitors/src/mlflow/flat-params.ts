/** A parameter of a run as MLflow takes it. */
export interface Param {
  readonly key: string;
  readonly value: string;
}

/** Length of a value that every version of MLflow takes, in characters. */
const MAX_VALUE = 500;

/** Lists the fields of a config under their dotted names; a list is one field, as JSON. */
export function flatParams(config: unknown, prefix = ""): Param[] {
  if (typeof config === "object" && config !== null && !Array.isArray(config)) {
    return Object.entries(config).flatMap(([name, value]) =>
      flatParams(value, prefix === "" ? name : `${prefix}.${name}`),
    );
  }
  const value = typeof config === "string" ? config : (JSON.stringify(config) ?? "");
  return [{ key: mlflowName(prefix), value: value.slice(0, MAX_VALUE) }];
}

/** Replaces what MLflow does not take in the name of a metric or parameter. */
export function mlflowName(name: string): string {
  return name.replace(/[^\w\-. /]/g, "_").slice(0, 250);
}
