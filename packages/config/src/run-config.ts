import { z } from "zod";

import { GrpoConfig } from "./grpo-config.js";
import { SftConfig } from "./sft-config.js";

/** Everything that decides a run, but for the files it names. */
export const RunConfig = z.discriminatedUnion("type", [GrpoConfig, SftConfig]);
/** Everything that decides a run, but for the files it names. */
export type RunConfig = z.infer<typeof RunConfig>;
