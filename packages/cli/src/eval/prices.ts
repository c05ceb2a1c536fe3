import { z } from "zod";

/** A table of prices, in US dollars per million tokens, by the model of a result file. */
export const Prices = z.record(
  z.string(),
  z.strictObject({
    prompt: z.number().min(0),
    answer: z.number().min(0),
    /** Name in charts; by default that of the model. */
    label: z.string().optional(),
  }),
);
/** A table of prices. */
export type Prices = z.infer<typeof Prices>;

/** Help text of an option that names a table. */
export const PRICES_OPTION =
  'JSON: {"<model>": {"prompt": 0.5, "answer": 1.5, "label": "name"}}, US dollars per million tokens';
