import { z } from "zod";

import { GrpoConfig } from "./grpo-config.js";
import { SftConfig } from "./sft-config.js";
import type { TurnsConfig } from "./turns.js";

/** Everything that determines a run, except the contents of the files that it names. */
export const RunConfig = z.discriminatedUnion("type", [GrpoConfig, SftConfig]);
/** Everything that determines a run, except the contents of the files that it names. */
export type RunConfig = z.infer<typeof RunConfig>;

/** Returns the limits of a run's turns; undefined if its config has none. */
export function turnsOf(config: RunConfig): TurnsConfig | undefined {
  return config.type === "grpo" ? config.rollouts.turns : config.turns;
}
