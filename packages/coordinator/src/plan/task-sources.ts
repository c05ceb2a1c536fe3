import { type RunEnvironment, singleEnvironments } from "@gumshoe/environments";
import {
  type RunConfig,
  type SingleSource,
  singleSources,
  type TaskSourceConfig,
} from "@gumshoe/config";
import { type InputSource } from "@gumshoe/protocol";

/** Identifies the sources of a run's tasks by the content of everything that they read. */
export function taskSources(
  config: RunConfig,
  { training, validation }: { training: RunEnvironment; validation: RunEnvironment | null },
): InputSource[] {
  const sources =
    config.type === "grpo"
      ? identify("tasks.source", config.tasks.source, training)
      : identify("examples.source", config.examples.source, training);
  if (config.validation !== null && validation !== null) {
    sources.push(...identify("validation.source", config.validation.source, validation));
  }
  return sources;
}

/** Identifies a source, or each source of a mix. */
function identify(
  field: string,
  source: TaskSourceConfig,
  environment: RunEnvironment,
): InputSource[] {
  const environments = singleEnvironments(environment);
  return singleSources(field, source).map((single, index) => ({
    ...fileOf(single),
    sha256: environments[index]?.digest ?? "",
  }));
}

function fileOf({ field, source }: SingleSource): Omit<InputSource, "sha256"> {
  switch (source.type) {
    case "dataset":
    case "file":
      return { field: `${field}.file`, file: source.file };
    case "module":
      return { field: `${field}.module`, file: source.module };
    case "generate":
    case "zebra":
    case "http":
      return { field, file: null };
    default:
      return source satisfies never;
  }
}
