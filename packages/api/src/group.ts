import { z } from "zod";

import { atMs, flagText, GroupKind, runName, WeightVersion, whole, wholeText } from "./fields.js";

/** Path of a group. */
export const GroupPath = z.object({
  run: runName(),
  iteration: wholeText(),
  kind: GroupKind,
  group: wholeText().describe("index of the group in its iteration"),
});
/** Path of a group. */
export type GroupPath = z.infer<typeof GroupPath>;

/** A group in the table of its iteration. */
export const GroupRow = z.object({
  iteration: whole(),
  kind: GroupKind,
  group: whole(),
  greedy: z.boolean().describe("whether its answers were sampled at temperature 0"),
  task: z.string().nullable().describe("id of the task; null until the answers are written out"),
  answers: whole(),
  rewards: z.array(z.number().nullable()).describe("in rollout order; null: could not be scored"),
  mean: z.number().nullable(),
  spread: z.number().nullable().describe("population standard deviation of the rewards"),
  tokens: whole().describe("sum over the answers"),
  meanTokens: z.number(),
  truncated: whole().describe("answers that ended at the length limit"),
  earlyStopped: whole(),
  learns: z.boolean().describe("false when all rewards are equal, or none is scored"),
  doneAtMs: atMs(),
});
/** A group in the table of its iteration. */
export type GroupRow = z.infer<typeof GroupRow>;

/** The groups of an iteration, in task order; those that are not sampled yet are missing. */
export const GroupTable = z.object({
  iteration: whole(),
  kind: GroupKind,
  expected: whole().nullable().describe("groups of the whole iteration; null when not known"),
  complete: z.boolean(),
  groups: z.array(GroupRow),
});
/** The groups of an iteration. */
export type GroupTable = z.infer<typeof GroupTable>;

/** Tokens of an answer, of all its turns, with the log-probs of the sampler: two arrays of one length. */
export const TokenPage = z.object({
  from: whole().describe("index of the first token here"),
  total: whole(),
  texts: z
    .array(z.string())
    .describe("joined they give the text; bytes that are no UTF-8 are shown as U+FFFD"),
  logprobs: z
    .array(z.number().nullable())
    .describe("natural logarithms; null: not sampled, but given between two turns"),
});
/** Tokens of an answer with their log-probs. */
export type TokenPage = z.infer<typeof TokenPage>;

/** One question of a task, and how an answer answers it. */
export const QuestionScore = z.object({
  question: z.string().describe("its letter or name"),
  expected: z.string(),
  given: z.string().nullable().describe("null: not answered"),
  score: z.number().describe("1 right, 0 wrong"),
});
/** One question of a task, and how an answer answers it. */
export type QuestionScore = z.infer<typeof QuestionScore>;

/** One sampled answer. */
export const Answer = z.object({
  index: whole().describe("rollout index in its group"),
  reward: z.number().nullable(),
  advantage: z.number().nullable().describe("null in a validation, and for an unscored answer"),
  gradingError: z.string().nullable().describe("why it could not be scored"),
  finish: z
    .string()
    .describe("stop, stop-string, length (cut at the limit) or early-stop (degenerate)"),
  numTokens: whole().describe("sampled tokens"),
  numCharacters: whole(),
  text: z.string().describe("its first `characters` characters"),
  isWhole: z.boolean().describe("whether `text` is all of it"),
  meanLogprob: z.number().nullable().describe("over its tokens"),
  metrics: z.record(z.string(), z.number()),
  questions: z.array(QuestionScore).nullable().describe("null where the environment has none"),
  tokens: TokenPage.nullable().describe("the first tokens; null unless asked for"),
});
/** One sampled answer. */
export type Answer = z.infer<typeof Answer>;

/** A group: its prompt once, and its answers in rollout order. */
export const Group = GroupRow.extend({
  prompt: z.string().describe("its messages, one after the other; empty when not known any more"),
  solution: z.unknown().describe("the right answer, in the form of the dataset; null for none"),
  weights: WeightVersion.describe("the weights that sampled the answers"),
  workerId: z.string(),
  samples: z.array(Answer),
});
/** A group: its prompt once, and its answers. */
export type Group = z.infer<typeof Group>;

/** How much of a group's answers is wanted. */
export const GroupQuery = z.object({
  characters: wholeText(1_000_000).optional().describe("most characters per answer; default 20000"),
  tokens: flagText().optional().describe("adds the first 2000 tokens of each answer"),
});
/** How much of a group's answers is wanted. */
export type GroupQuery = z.infer<typeof GroupQuery>;

/** Part of an answer's tokens, or of its text, that is wanted. */
export const PartQuery = z.object({
  from: wholeText().optional().describe("first token or character; default 0"),
  limit: wholeText(100_000).optional().describe("most tokens or characters; default 10000"),
});
/** Part of an answer that is wanted. */
export type PartQuery = z.infer<typeof PartQuery>;

/** Part of an answer's text. */
export const TextPage = z.object({ from: whole(), total: whole(), text: z.string() });
/** Part of an answer's text. */
export type TextPage = z.infer<typeof TextPage>;
