import { z } from "zod";

import { GrpoConfig } from "./grpo-config.js";
import { SftConfig } from "./sft-config.js";

/** Everything that determines a run, except the contents of the files that it names. */
export const RunConfig = z.discriminatedUnion("type", [GrpoConfig, SftConfig]);
/** Everything that determines a run, except the contents of the files that it names. */
export type RunConfig = z.infer<typeof RunConfig>;
