import { heldOutConfig, type HeldOutKind } from "./held-out.js";
import { type SingleSource, singleSources } from "./mixed-sources.js";
import type { RunConfig } from "./run-config.js";

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
