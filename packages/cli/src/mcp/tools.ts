/** What an agent can do with a cluster, as MCP tools. Every call connects, works and closes. */
import type { GumshoeClient, RunInfo } from "@gumshoe/client";
import { InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import { type ConnectionOptions, withClient } from "../commands/connection.js";
import { submitFile } from "../commands/submit.js";
import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import { readBilledRun, withPlanFiles } from "../plan/billed-run.js";
import { planOf } from "../plan/describe-plan.js";
import { loadRunConfig } from "../run/load-config.js";
import { readMetrics, runFolderOf } from "../run/run-files.js";

/** A tool: what it takes, and the work. Its result is sent as JSON. */
export interface Tool<Input extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  /** Whether it changes nothing. */
  readonly isReadOnly: boolean;
  readonly call: (input: z.infer<Input>, setting: ToolSetting) => Promise<unknown>;
}

/** The cluster that tools work with. */
export interface ToolSetting {
  readonly connection: ConnectionOptions;
  readonly context: Context;
}

/** Most answers of one call, and characters of each: an agent's context is small. */
const MAX_ANSWERS = 50;
const MAX_ANSWER_CHARACTERS = 4000;
/** Most iterations of one call. */
const MAX_ITERATIONS = 1000;

const RUN = z.string().min(1).describe("name of the run");
const WORKERS = z.int().min(1).max(64).default(1);
const CONFIG_FILE = z
  .string()
  .min(1)
  .describe("path of a run config, YAML or JSON; relative paths start at the server's folder");

function tool<Input extends z.ZodObject>(made: Tool<Input>): Tool {
  return made;
}

/** Does work with a client of the cluster. */
function connected<T>(
  { connection, context }: ToolSetting,
  work: (client: GumshoeClient) => Promise<T>,
): Promise<T> {
  return withClient(connection, context, work);
}

/** A run without its config, which `run_status` gives. */
function brief({ config: _config, ...run }: RunInfo) {
  return run;
}

/** All tools; those that change something are offered only where that is allowed. */
export const TOOLS: readonly Tool[] = [
  tool({
    name: "plan",
    title: "Memory plan",
    description:
      "How much memory a run takes, by role and in all, whether it fits on this machine, and what to change if not. " +
      "Also checks the config: errors name the field. Starts nothing but the module that the config names.",
    input: z.object({
      file: CONFIG_FILE,
      inference: WORKERS.describe("inference workers"),
      trainers: WORKERS.describe("trainers"),
      reducers: WORKERS.describe("reducers"),
    }),
    isReadOnly: true,
    call: async ({ file, ...workers }, { context }) => {
      const config = await withPlanFiles(loadRunConfig(file, null), { again: "plan", context });
      return planOf(await readBilledRun(config), workers);
    },
  }),
  tool({
    name: "status",
    title: "Runs and workers",
    description: "The runs of the cluster, the newest first, and its workers.",
    input: z.object({}),
    isReadOnly: true,
    call: (_input, setting) =>
      connected(setting, async (client) => {
        const [runs, { workers }] = await Promise.all([client.list(), client.cluster()]);
        return { runs: runs.map(brief), workers };
      }),
  }),
  tool({
    name: "run_status",
    title: "One run",
    description:
      "A run's state, config, progress, forecast, warnings, result and checkpoints. A state of done, failed, stuck or " +
      "cancelled is final until the run is submitted again; error says why it failed.",
    input: z.object({ run: RUN }),
    isReadOnly: true,
    call: ({ run }, setting) =>
      connected(setting, async (client) => {
        const info = await client.get(run);
        return { ...info, checkpoints: await client.checkpoints(run) };
      }),
  }),
  tool({
    name: "metrics",
    title: "Metrics of a run",
    description:
      "One object per iteration: meanReward, validationReward, entropy, policyKl, gradNorm and more. " +
      "docs/operations.md explains every field. Needs a run in the server's home.",
    input: z.object({
      run: RUN,
      last: z.int().min(1).max(MAX_ITERATIONS).default(20).describe("newest iterations to return"),
      names: z
        .array(z.string())
        .default([])
        .describe("metrics to return beside iteration; empty for all"),
    }),
    isReadOnly: true,
    call: async ({ run, last, names }, { connection }) => {
      const lines = readMetrics(runFolderOf(new Home(connection.home), run));
      checkNames(
        names,
        lines.flatMap((line) => Object.keys(line)),
      );
      const shown = lines.slice(-last);
      if (names.length === 0) return { iterations: lines.length, metrics: shown };
      const wanted = ["iteration", ...names];
      const picked = shown.map((line) =>
        Object.fromEntries(wanted.map((name) => [name, line[name] ?? null])),
      );
      return { iterations: lines.length, metrics: picked };
    },
  }),
  tool({
    name: "rollouts",
    title: "Answers of a run",
    description:
      "Sampled answers with reward, metrics and length, as text, in the order in which they were recorded. Long texts " +
      "are cut, and say so. nextPageToken continues.",
    input: z.object({
      run: RUN,
      iteration: z.int().min(0).optional().describe("one iteration, from 0; default: all"),
      kind: z.enum(["train", "validation", "report"]).default("train").describe("which answers"),
      count: z.int().min(1).max(MAX_ANSWERS).default(8).describe("answers to return"),
      pageToken: z.string().default("").describe("nextPageToken of the call before"),
    }),
    isReadOnly: true,
    call: ({ run, iteration, kind, count, pageToken }, setting) =>
      connected(setting, async (client) => {
        const where = iteration === undefined ? {} : { iteration };
        const page = await client.rolloutPage(run, { ...where, kind, pageSize: count, pageToken });
        const rollouts = page.rollouts.map((one) => ({
          ...one,
          text: one.text.slice(0, MAX_ANSWER_CHARACTERS),
          isCut: one.text.length > MAX_ANSWER_CHARACTERS,
        }));
        return { rollouts, nextPageToken: page.nextPageToken };
      }),
  }),
  tool({
    name: "submit",
    title: "Submit a run",
    description:
      "Hands a run to the cluster, or continues the run of that name. Returns at once; follow it with run_status.",
    input: z.object({
      file: CONFIG_FILE,
      name: z.string().optional().describe("name of the run; default: the config's"),
      fresh: z
        .boolean()
        .default(false)
        .describe("remove what an ended run of this name left, and begin anew"),
    }),
    isReadOnly: false,
    call: ({ file, name, fresh }, { connection, context }) =>
      connected({ connection, context }, async (client) => {
        const given = { ...connection, fresh, ...(name === undefined ? {} : { name }) };
        return brief(await submitFile(client, file, given, context));
      }),
  }),
  tool({
    name: "cancel",
    title: "Cancel a run",
    description: "Stops a run after the job in flight. Submitting it again continues it.",
    input: z.object({ run: RUN }),
    isReadOnly: false,
    call: ({ run }, setting) =>
      connected(setting, async (client) => brief(await client.cancel(run))),
  }),
];

function checkNames(names: readonly string[], known: readonly string[]): void {
  const all = new Set(known);
  const unknown = names.find((name) => !all.has(name));
  if (unknown === undefined || all.size === 0) return;
  throw new InvalidArgumentError("names", `no iteration has ${unknown}`, {
    suggestion: `there are ${[...all].sort().join(", ")}`,
  });
}
