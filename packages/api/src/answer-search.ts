import { z } from "zod";

import { cursorText, GroupKind, numberText, whole, wholeText } from "./fields.js";

/** Filters of a search for answers; all of them must fit. */
export const AnswerQuery = z.object({
  kind: GroupKind.optional(),
  from: wholeText().optional().describe("first iteration"),
  to: wholeText().optional().describe("last iteration"),
  minReward: numberText().optional(),
  maxReward: numberText().optional(),
  minTokens: wholeText().optional(),
  maxTokens: wholeText().optional(),
  finish: z.enum(["stop", "stop-string", "length", "early-stop"]).optional(),
  scored: z.enum(["true", "false"]).optional().describe("false: only answers without a reward"),
  words: z
    .string()
    .max(200)
    .optional()
    .describe("words that must all be in the answer, in any case; quoted for a phrase"),
  order: z.enum(["newest", "oldest"]).optional().describe("of the groups; default newest"),
  cursor: cursorText().optional(),
  limit: wholeText(500).optional().describe("most answers; default 50"),
});
/** Filters of a search for answers. */
export type AnswerQuery = z.infer<typeof AnswerQuery>;

/** An answer that was found. */
export const FoundAnswer = z.object({
  iteration: whole(),
  kind: GroupKind,
  group: whole(),
  index: whole().describe("rollout index in its group"),
  task: z.string().nullable(),
  reward: z.number().nullable(),
  finish: z.string(),
  numTokens: whole(),
  version: whole().describe("weight version that sampled it"),
  excerpt: z.string().describe("up to 300 characters, around the first word found"),
});
/** An answer that was found. */
export type FoundAnswer = z.infer<typeof FoundAnswer>;

/**
 * A page of a search. It may have fewer answers than the limit, or none, and still a `next`: a search
 * reads for a limited time per request.
 */
export const FoundAnswers = z.object({
  answers: z.array(FoundAnswer),
  next: z.string().nullable().describe("`cursor` of the next page; null when all is searched"),
  searchedGroups: whole().describe("groups that this page has looked at"),
});
/** A page of a search. */
export type FoundAnswers = z.infer<typeof FoundAnswers>;
