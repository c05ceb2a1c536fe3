import { type CommonTask, type ConfigDifference } from "@gumshoe/api";

/** Fields that differ between any two runs. */
const OWN_FIELDS = ["name"];

/** Returns the fields in which configs differ, with one value per config. */
export function configDifferences(configs: readonly unknown[]): ConfigDifference[] {
  const flat = configs.map((config) => flatten(config));
  const fields = new Set(flat.flatMap((fieldsOf) => [...fieldsOf.keys()]));
  return [...fields]
    .filter((field) => !OWN_FIELDS.includes(field))
    .map((field) => ({ field, values: flat.map((values) => values.get(field) ?? null) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

function flatten(value: unknown, path = "", into = new Map<string, unknown>()) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) into.set(path, value);
  else {
    for (const [key, inner] of Object.entries(value)) {
      flatten(inner, path === "" ? key : `${path}.${key}`, into);
    }
  }
  return into;
}

/** The prompts of a run's newest validation, by task. */
export interface HeldOutPrompts {
  readonly run: string;
  readonly iteration: number;
  readonly prompts: readonly {
    readonly task: number;
    readonly prompt: string;
    readonly sha256: string;
  }[];
}

/** Returns the held-out tasks that all runs have, recognised by the hash of their prompts. */
export function commonTasks(runs: readonly HeldOutPrompts[]): CommonTask[] {
  const [first, ...others] = runs;
  if (first === undefined) return [];
  return first.prompts.flatMap(({ prompt, sha256, task }) => {
    const places = [{ run: first.run, task, iteration: first.iteration, group: task }];
    for (const { run, iteration, prompts } of others) {
      const same = prompts.find((other) => other.sha256 === sha256);
      if (same === undefined) return [];
      places.push({ run, task: same.task, iteration, group: same.task });
    }
    return { prompt, places };
  });
}
