import type { RunConfig } from "./run-config.js";

/** Returns the iterations by which a run's rollouts lag behind; 0 for a run that samples none. */
export function stalenessOf(config: RunConfig): number {
  return config.type === "grpo" ? config.staleness : 0;
}
