import { z } from "zod";

import { count, FileText, PathText, Seed } from "./fields.js";

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

/** Grades a reply to a question from a file. */
const FileGrader = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("exact").describe("1 for the answer itself; case and white space are ignored"),
  }),
  z.strictObject({
    type: z.literal("number").describe("1 if the last number is that of the answer"),
  }),
  z.strictObject({
    type: z
      .literal("choice")
      .describe("1 if the last letter A to J that stands alone is that of the answer"),
  }),
  z.strictObject({
    type: z.literal("module").describe("grade() or gradeGroup() of a JavaScript module"),
    module: PathText.describe("JavaScript file that exports createEnvironment(options)"),
    options: z.record(z.string(), z.json()).default({}).describe("argument of createEnvironment"),
    limits: ModuleLimits.prefault({}).describe("limits of the process that runs the module"),
  }),
]);

const ColumnName = z.string().min(1).max(200);

const Split = z
  .tuple([count(0, 1e9), count(1, 1e9)])
  .refine(([from, to]) => from < to, "the first number must be below the second")
  .nullable()
  .default(null)
  .describe("index of the first record and of the one after the last; null for all");

const FileSource = z
  .strictObject({
    type: z.literal("file").describe("questions with their answers from a file"),
    file: FileText.describe(
      "file that ends in .jsonl, .ndjson, .json, .csv, .tsv or .parquet, or such a file on the hub: hf://datasets/owner/name@revision/path",
    ),
    prompt: ColumnName.optional().describe(
      "column with the question as a text; left out: prompt, unless there is messages",
    ),
    messages: ColumnName.optional().describe(
      "column with a chat in place of a question: a list of { role, content }, or its JSON",
    ),
    system: z
      .string()
      .min(1)
      .max(100_000)
      .optional()
      .describe("text of a system message before every chat"),
    answer: ColumnName.nullable()
      .default("answer")
      .describe("column with the right answer; null: it is the last message of the chat"),
    grader: FileGrader.prefault({ type: "exact" }).describe("grader of the replies"),
    split: Split,
  })
  .superRefine(({ prompt, messages, answer }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message });
    if (prompt !== undefined && messages !== undefined) {
      refuse("messages", "excludes prompt: name one of the two columns");
    }
    if (answer === null && messages === undefined) {
      refuse("answer", "can be null only with messages, whose last message is the answer");
    }
  });

/** Requires the URL of a server, below which its routes are. */
const ServerUrl = z
  .string()
  .max(2048)
  .superRefine((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    if (url === null || !/^https?:$/.test(url.protocol)) {
      refuse("must be a URL of http or https");
    } else if (url.username !== "" || url.password !== "") {
      refuse("must have no password: name a variable in tokenVariable");
    } else if (url.search !== "" || url.hash !== "") {
      refuse("must end with its path: routes are added to it");
    }
  });

const HttpSource = z.strictObject({
  type: z.literal("http").describe("tasks and grades from a server of yours"),
  url: ServerUrl.describe("URL below which the server has /version, /task and /grade"),
  seed: Seed.default(1).describe("seed of the series of tasks"),
  options: z.record(z.string(), z.json()).default({}).describe("sent with every call"),
  tokenVariable: z
    .string()
    .regex(/^GUMSHOE_SOURCE_TOKEN(_[A-Z0-9]+)*$/, "must begin with GUMSHOE_SOURCE_TOKEN")
    .max(100)
    .optional()
    .describe("environment variable with the bearer token of the calls; left out: none"),
  seconds: z
    .number()
    .min(0.1)
    .max(86_400)
    .default(60)
    .describe("longest wait for a response, in seconds"),
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
    file: FileText.describe(
      "JSON array or JSONL with num_clues, prompt and solution, also on the hub: hf://datasets/owner/name@revision/path",
    ),
    split: Split,
  }),
  FileSource,
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
  HttpSource,
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
