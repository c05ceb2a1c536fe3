import { readFile } from "node:fs/promises";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type GroupKind, type RunConfig, type TaskSourceConfig } from "@gumshoe/protocol";
import {
  createEnvironment,
  type Environment,
  type GraderName,
  parseDataset,
  type PuzzleRecord,
} from "@gumshoe/puzzles";

import { loadModule } from "./load-module.js";
import { moduleEnvironment } from "./module-environment.js";

/** Where a config says what a run's tasks are. */
interface NamedSource {
  /** Path of the field, e.g. `tasks.source`. */
  readonly field: string;
  readonly source: TaskSourceConfig;
  readonly grader: GraderName;
}

/**
 * Opens the environment of a run's training or validation tasks: reads the file and loads the module
 * that the config names.
 *
 * @returns null for the validation of a run that has none
 * @throws  InvalidArgumentError, ModuleError or DatasetError naming field, file or line
 */
export async function openEnvironment(
  config: RunConfig,
  kind: GroupKind,
): Promise<Environment | null> {
  const named = namedSource(config, kind);
  if (named === null) return null;
  const { field, source, grader } = named;
  switch (source.type) {
    case "generate":
    case "zebra":
      return createEnvironment(source, { grader });
    case "dataset": {
      const records = await readRecords(field, source);
      return createEnvironment({ type: "dataset", records }, { grader });
    }
    case "module": {
      const { module: file, seed, options } = source;
      const place = { field: `${field}.module`, file, seed, options };
      return moduleEnvironment(place, await loadModule(place.field, file));
    }
    default:
      return source satisfies never;
  }
}

function namedSource(config: RunConfig, kind: GroupKind): NamedSource | null {
  const grader = config.type === "grpo" ? config.tasks.grader : config.grader;
  if (kind === "validation") {
    if (config.validation === null) return null;
    return { field: "validation.source", source: config.validation.source, grader };
  }
  return config.type === "grpo"
    ? { field: "tasks.source", source: config.tasks.source, grader }
    : { field: "examples.source", source: config.examples.source, grader };
}

async function readRecords(
  field: string,
  { file, split }: Extract<TaskSourceConfig, { type: "dataset" }>,
): Promise<PuzzleRecord[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new InvalidArgumentError(`${field}.file`, errorMessage(cause), { cause });
  });
  const records = parseDataset(text);
  if (split === null) return records;
  const [from, to] = split;
  if (to > records.length) {
    throw new InvalidArgumentError(
      `${field}.split`,
      `ends at ${to}, but the file has ${records.length} records`,
    );
  }
  return records.slice(from, to);
}
