import { type SingleSource, singleSources } from "./mixed-sources.js";
import { type RunConfig } from "./run-config.js";

/** Lists the sources of a run's training or validation tasks: several of a mix, none without a validation. */
export function runSources(config: RunConfig, kind: "train" | "validation"): SingleSource[] {
  if (kind === "validation") {
    const { validation } = config;
    return validation === null ? [] : singleSources("validation.source", validation.source);
  }
  return config.type === "grpo"
    ? singleSources("tasks.source", config.tasks.source)
    : singleSources("examples.source", config.examples.source);
}
