import { type RunEnvironment } from "@gumshoe/environments";
import { type RunConfig, type TaskSourceConfig } from "@gumshoe/config";
import { type InputSource } from "@gumshoe/protocol";

/** Identifies the sources of a run's tasks by the content of everything that they read. */
export function taskSources(
  config: RunConfig,
  { training, validation }: { training: RunEnvironment; validation: RunEnvironment | null },
): InputSource[] {
  const sources =
    config.type === "grpo"
      ? [identify("tasks.source", config.tasks.source, training)]
      : [identify("examples.source", config.examples.source, training)];
  if (config.validation !== null && validation !== null) {
    sources.push(identify("validation.source", config.validation.source, validation));
  }
  return sources;
}

function identify(
  field: string,
  source: TaskSourceConfig,
  { digest: sha256 }: RunEnvironment,
): InputSource {
  switch (source.type) {
    case "dataset":
      return { field: `${field}.file`, file: source.file, sha256 };
    case "module":
      return { field: `${field}.module`, file: source.module, sha256 };
    case "generate":
    case "zebra":
      return { field, file: null, sha256 };
    default:
      return source satisfies never;
  }
}
