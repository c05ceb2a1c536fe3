import { readFile } from "node:fs/promises";

import { hashJson, sha256 } from "@gumshoe/core";
import { type InputSource, type RunConfig, type TaskSourceConfig } from "@gumshoe/protocol";
import { type Environment } from "@gumshoe/puzzles";

/** Identifies the sources of a run's tasks by everything that they read. */
export async function taskSources(
  config: RunConfig,
  { training, validation }: { training: Environment; validation: Environment | null },
): Promise<InputSource[]> {
  const sources =
    config.type === "grpo"
      ? [await identify("tasks.source", config.tasks.source, training)]
      : [await identify("examples.source", config.examples.source, training)];
  if (config.validation !== null && validation !== null) {
    sources.push(await identify("validation.source", config.validation.source, validation));
  }
  return sources;
}

async function identify(
  field: string,
  source: TaskSourceConfig,
  environment: Environment,
): Promise<InputSource> {
  const { digest } = environment as { digest?: string };
  switch (source.type) {
    case "dataset":
      return {
        field: `${field}.file`,
        file: source.file,
        sha256: digest ?? sha256(await readFile(source.file)),
      };
    case "module":
      return {
        field: `${field}.module`,
        file: source.module,
        sha256: digest ?? sha256(await readFile(source.module)),
      };
    case "generate":
    case "zebra":
      return { field, file: null, sha256: digest ?? hashJson(source) };
    default:
      return source satisfies never;
  }
}
