import { type RunConfig } from "./run-config.js";
import { type TaskSourceConfig } from "./task-source.js";

/** A file or folder that a config names. */
export interface NamedPath {
  /** Where the config names it, e.g. `tasks.source.file`. */
  readonly field: string;
  readonly path: string;
  readonly kind: "model" | "dataset" | "module";
}

/** Lists the files and folders that a config names. */
export function namedPaths(config: RunConfig): NamedPath[] {
  const [field, source] =
    config.type === "grpo"
      ? (["tasks.source", config.tasks.source] as const)
      : (["examples.source", config.examples.source] as const);
  const { model, validation } = config;
  return [
    { field: "model", path: model, kind: "model" },
    ...pathsOf(field, source),
    ...(validation === null ? [] : pathsOf("validation.source", validation.source)),
  ];
}

function pathsOf(field: string, source: TaskSourceConfig): NamedPath[] {
  switch (source.type) {
    case "dataset":
      return [{ field: `${field}.file`, path: source.file, kind: "dataset" }];
    case "module":
      return [{ field: `${field}.module`, path: source.module, kind: "module" }];
    case "generate":
    case "zebra":
      return [];
    default:
      return source satisfies never;
  }
}
