import { z } from "zod";

import { count, PathText, Seed } from "./fields.js";

/** Sizes of generated cases, ascending. */
export const TIERS = ["mini", "easy", "medium", "hard", "dataset"] as const;

/** Writing styles of generated cases. */
export const STYLES = ["clear", "dataset"] as const;

/** Difficulty of generated cases: bounds of the number of deduction steps, both inclusive. */
const DifficultyConfig = z
  .strictObject({
    min: count(1, 10_000).default(1).describe("least number of steps"),
    max: count(1, 10_000).default(10_000).describe("largest number of steps"),
  })
  .refine(({ min, max }) => min <= max, "min must be at most max");

/** Limits of the process that runs a user's module. */
const ModuleLimits = z.strictObject({
  seconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(60)
    .describe("longest wait for a result, in seconds"),
  memoryMb: count(16, 1_048_576).default(1024).describe("limit of the JavaScript heap, in MiB"),
});

const SINGLE_SOURCES = [
  z.strictObject({
    type: z.literal("generate").describe("Temporal Clue cases, made from a seed"),
    tier: z.enum(TIERS).default("mini").describe("size of the cases"),
    style: z.enum(STYLES).default("clear").describe("wording of the cases"),
    seed: Seed.default(1).describe("seed of the series of cases"),
    difficulty: DifficultyConfig.nullable()
      .default(null)
      .describe("range of the steps that solve a case by deduction; null for any number"),
  }),
  z.strictObject({
    type: z.literal("dataset").describe("Temporal Clue cases from a file"),
    file: PathText.describe("JSON array or JSONL with num_clues, prompt and solution"),
    split: z
      .tuple([count(0, 1e9), count(1, 1e9)])
      .refine(([from, to]) => from < to, "the first number must be below the second")
      .nullable()
      .default(null)
      .describe("index of the first record and of the one after the last; null for all"),
  }),
  z.strictObject({
    type: z.literal("zebra").describe("logic grids, made from a seed"),
    houses: count(3, 7).default(4).describe("houses in the row"),
    attributes: count(2, 6).default(3).describe("attributes of each resident, the name included"),
    seed: Seed.default(1).describe("seed of the series of puzzles"),
  }),
  z.strictObject({
    type: z.literal("module").describe("tasks from a JavaScript module"),
    module: PathText.describe("JavaScript file that exports createEnvironment(options)"),
    seed: Seed.default(1).describe("seed of the series of tasks"),
    options: z.record(z.string(), z.json()).default({}).describe("argument of createEnvironment"),
    limits: ModuleLimits.prefault({}).describe("limits of the process that runs the module"),
  }),
] as const;

/** Most sources of a mix. */
const MAX_MIXED = 32;

const SingleSourceConfig = z.discriminatedUnion("type", SINGLE_SOURCES);
/** A source of tasks that is no mix. */
export type SingleSourceConfig = z.infer<typeof SingleSourceConfig>;

const MixedSource = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, "must be 1 to 40 letters, digits, - and _")
    .describe("name of the source in metrics and in the ids of tasks"),
  weight: z
    .number()
    .gt(0)
    .max(1e6)
    .default(1)
    .describe("share of the tasks, relative to the other sources"),
  source: SingleSourceConfig.describe("source of any type but mix"),
});

/** A source of tasks: generated from a seed, the records of a file, a user's module, or several of these. */
export const TaskSourceConfig = z.discriminatedUnion("type", [
  ...SINGLE_SOURCES,
  z.strictObject({
    type: z.literal("mix").describe("tasks of several sources, dealt by weight"),
    sources: z
      .array(MixedSource)
      .min(2)
      .max(MAX_MIXED)
      .refine(
        (sources) => new Set(sources.map(({ name }) => name)).size === sources.length,
        "has two sources of one name",
      )
      .describe("the sources, each with a name of its own"),
  }),
]);
/** A source of tasks. */
export type TaskSourceConfig = z.infer<typeof TaskSourceConfig>;
