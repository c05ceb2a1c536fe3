import { z } from "zod";

import { count, PathText, Seed } from "./fields.js";

/** Sizes of generated cases, ascending. */
export const TIERS = ["mini", "easy", "medium", "hard", "dataset"] as const;

/** Writing styles of generated cases. */
export const STYLES = ["clear", "dataset"] as const;

/** Difficulty of generated cases: bounds of the number of deduction steps, both inclusive. */
export const DifficultyConfig = z
  .strictObject({
    min: count(1, 10_000).default(1).describe("steps at least"),
    max: count(1, 10_000).default(10_000).describe("steps at most"),
  })
  .refine(({ min, max }) => min <= max, "min must be at most max");
/** Difficulty of generated cases. */
export type DifficultyConfig = z.infer<typeof DifficultyConfig>;

/** Limits of the thread that runs a user's module. */
export const ModuleLimits = z.strictObject({
  seconds: z.number().min(0.1).max(86_400).default(60).describe("longest time without a result"),
  memoryMb: count(16, 1_048_576).default(1024).describe("JavaScript heap, in MiB"),
});
/** Limits of the thread that runs a user's module. */
export type ModuleLimits = z.infer<typeof ModuleLimits>;

/** A source of tasks: generated from a seed, the records of a file, or a user's module. */
export const TaskSourceConfig = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("generate").describe("Temporal Clue cases, made from a seed"),
    tier: z.enum(TIERS).default("mini").describe("size of the cases"),
    style: z.enum(STYLES).default("clear").describe("wording of the cases"),
    seed: Seed.default(1).describe("names the endless series of cases"),
    difficulty: DifficultyConfig.nullable()
      .default(null)
      .describe("how many steps of deduction solve a case; null for any number"),
  }),
  z.strictObject({
    type: z.literal("dataset").describe("Temporal Clue cases of a file"),
    file: PathText.describe("JSON array or JSONL with num_clues, prompt and solution"),
    split: z
      .tuple([count(0, 1e9), count(1, 1e9)])
      .refine(([from, to]) => from < to, "the first record must come before the last")
      .nullable()
      .default(null)
      .describe("first record taken and the one after the last; null for all"),
  }),
  z.strictObject({
    type: z.literal("zebra").describe("logic grids, made from a seed"),
    houses: count(3, 7).default(4).describe("houses in the row"),
    attributes: count(2, 6).default(3).describe("what residents differ in, their names included"),
    seed: Seed.default(1).describe("names the endless series of puzzles"),
  }),
  z.strictObject({
    type: z.literal("module").describe("tasks of a JavaScript module"),
    module: PathText.describe("JavaScript file that exports createEnvironment(options)"),
    seed: Seed.default(1).describe("names the endless series of tasks"),
    options: z
      .record(z.string(), z.json())
      .default({})
      .describe("options that createEnvironment is called with"),
    limits: ModuleLimits.prefault({}).describe("bounds of the thread that runs the module"),
  }),
]);
/** A source of tasks. */
export type TaskSourceConfig = z.infer<typeof TaskSourceConfig>;
