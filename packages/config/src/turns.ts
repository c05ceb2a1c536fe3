import { z } from "zod";

import { count } from "./fields.js";

/** Limits of answers of several turns. */
export const TurnsConfig = z.strictObject({
  max: count(1, 1024).describe("most turns of the model in an answer"),
  maxTokens: count(1, 131_072)
    .optional()
    .describe("length limit of a turn, in tokens; left out: only that of the answer"),
});
/** Limits of answers of several turns. */
export type TurnsConfig = z.infer<typeof TurnsConfig>;

/** The limits of a run's turns. They have no default, so that the config of a run without them does not have them. */
export const TURNS_FIELD = TurnsConfig.optional().describe(
  "limits of answers of several turns, for modules with step(); left out: an answer is one turn",
);
