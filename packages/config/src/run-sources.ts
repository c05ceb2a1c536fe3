import { heldOutConfig, type HeldOutKind } from "./held-out.js";
import { mapSources, type SingleSource, singleSources } from "./mixed-sources.js";
import type { RunConfig } from "./run-config.js";
import type { SingleSourceConfig, TaskSourceConfig } from "./task-source.js";

/** Lists the sources of a run's training or held-out tasks: several of a mix, none where there are no tasks. */
export function runSources(config: RunConfig, kind: "train" | HeldOutKind): SingleSource[] {
  if (kind !== "train") {
    const heldOut = heldOutConfig(config, kind);
    return heldOut === null ? [] : singleSources(`${kind}.source`, heldOut.source);
  }
  return config.type === "grpo"
    ? singleSources("tasks.source", config.tasks.source)
    : singleSources("examples.source", config.examples.source);
}

/** Lists all sources of a run's tasks. */
export function allSources(config: RunConfig): SingleSource[] {
  return (["train", "validation", "report"] as const).flatMap((kind) => runSources(config, kind));
}

/** Returns the config with each source of its tasks replaced, those of a mix one by one. */
export function mapRunSources(
  config: RunConfig,
  map: (single: SingleSource) => SingleSourceConfig,
): RunConfig {
  const fix = (field: string, source: TaskSourceConfig) => mapSources(field, source, map);
  const validation = config.validation && {
    ...config.validation,
    source: fix("validation.source", config.validation.source),
  };
  const report = config.report && {
    ...config.report,
    source: fix("report.source", config.report.source),
  };
  const heldOut = { validation, ...(report === undefined ? {} : { report }) };
  if (config.type === "sft") {
    const source = fix("examples.source", config.examples.source);
    return { ...config, ...heldOut, examples: { ...config.examples, source } };
  }
  const source = fix("tasks.source", config.tasks.source);
  return { ...config, ...heldOut, tasks: { ...config.tasks, source } };
}
