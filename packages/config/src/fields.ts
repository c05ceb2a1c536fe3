import { z } from "zod";

import { checkHubFile } from "./hub-file.js";

/** A run's name: also the name of its folder and a part of its queue keys. */
export const RunName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "1 to 63 of a-z, 0-9 and -, not starting with -");

/** A file or folder; relative paths start at the config's folder. */
export const PathText = z.string().min(1).max(4096);

/** A file as in {@link PathText}, or one in a data set of the hub. */
export const FileText = PathText.superRefine(checkHubFile);

/** Description of the `model` field. */
export const MODEL_FIELD =
  "folder with the initial weights and the tokenizer, or a model on the hub: owner/name, owner/name@revision";

/** A seed: a whole number from 0 to 2^53 - 1. */
export const Seed = z.int().min(0);

/** A whole number from `low` to `high`. */
export function count(low: number, high: number): z.ZodInt {
  return z.int().min(low).max(high);
}
