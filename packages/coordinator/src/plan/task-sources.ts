import { type RunEnvironment, singleEnvironments } from "@gumshoe/environments";
import { type RunConfig, runSources, type SingleSource } from "@gumshoe/config";
import type { InputSource } from "@gumshoe/protocol";

/** Identifies the sources of a run's tasks by the content of everything that they read. */
export function taskSources(
  config: RunConfig,
  {
    training,
    validation,
    report,
  }: {
    training: RunEnvironment;
    validation: RunEnvironment | null;
    report: RunEnvironment | null;
  },
): InputSource[] {
  const all = { train: training, validation, report };
  return (["train", "validation", "report"] as const).flatMap((kind) => {
    const environment = all[kind];
    return environment === null ? [] : identify(runSources(config, kind), environment);
  });
}

/** Identifies the sources of an environment: one, or those of a mix. */
function identify(sources: readonly SingleSource[], environment: RunEnvironment): InputSource[] {
  const environments = singleEnvironments(environment);
  return sources.map((single, index) => ({
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
