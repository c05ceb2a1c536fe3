import { hashJson, InvalidArgumentError } from "@gumshoe/core";
import { parseTaskSource, type RunConfig } from "@gumshoe/config";
import { openSource, type RunEnvironment } from "@gumshoe/environments";
import type { GraderName, Task } from "@gumshoe/puzzles";

import type { Context } from "../context.js";
import { bringSource } from "../hub/hub-sources.js";
import { readCases } from "../puzzle/read-cases.js";
import { environmentTasks, type EvaluatedTasks, recordTasks } from "./evaluated-tasks.js";

/** Where the tasks of an evaluation come from; one of the three is given. */
export interface TaskChoice {
  /** File of cases. */
  readonly data?: string;
  /** Run config whose validation tasks are meant. */
  readonly tasks?: string;
  /** A source as in a run config, in YAML. */
  readonly source?: string;
  /** Only so many tasks. */
  readonly limit?: number;
  readonly grader?: GraderName;
}

/** Tasks drawn from an endless source when no number is given. */
const DEFAULT_COUNT = 100;

/**
 * Opens the tasks that options name, and brings a file on the hub here. The caller must close them.
 *
 * @param config  the run config that `tasks` names, null without it
 * @throws InvalidArgumentError, FileError or ModuleError naming option, field or file; errors of the hub
 */
export async function openTasks(
  choice: TaskChoice,
  { config, context }: { config: RunConfig | null; context: Context },
): Promise<EvaluatedTasks> {
  const { data, tasks: file, source: text, limit } = choice;
  checkChoice(choice);
  if (data !== undefined) {
    const all = readCases(data);
    const digest = hashJson(all.map(({ prompt, solution }) => ({ prompt, solution })));
    const grader = choice.grader ?? "fixed";
    return recordTasks(data, all.slice(0, limit), { grader, digest });
  }
  const named = text === undefined ? ofConfig(file ?? "", config) : readSource(text);
  const { count } = named;
  const source = await bringSource(named, { again: "the same command", context });
  const grader = choice.grader ?? named.grader;
  const { field, weights } = named;
  const environment = await openSource({ field, source, grader, weights });
  try {
    const wanted = limit ?? count ?? environment.source().size ?? DEFAULT_COUNT;
    const drawn = await drawTasks(environment, wanted);
    return environmentTasks(file ?? source.type, environment, drawn);
  } catch (thrown) {
    await environment.close();
    throw thrown;
  }
}

function checkChoice({ data, tasks, source }: TaskChoice): void {
  const given = [data, tasks, source].filter((value) => value !== undefined).length;
  if (given === 1) return;
  const problem = given === 0 ? "is missing" : "excludes --tasks and --source: give one of them";
  throw new InvalidArgumentError("--data", problem, {
    suggestion: "--data FILE, --tasks CONFIG for the validation tasks of a run, or --source",
  });
}

function ofConfig(file: string, config: RunConfig | null) {
  const validation = config?.validation ?? null;
  if (config === null || validation === null) {
    throw new InvalidArgumentError("--tasks", `${file} has no validation, so no held-out tasks`, {
      suggestion: 'name a source, such as --source "{ type: generate, tier: mini, seed: 5 }"',
    });
  }
  const grader = config.type === "grpo" ? config.tasks.grader : config.grader;
  const weights = config.type === "grpo" ? (config.tasks.rewards?.weights ?? null) : null;
  const { source, count } = validation;
  return { field: "validation.source", source, grader, weights, count };
}

function readSource(text: string) {
  try {
    const source = parseTaskSource(text);
    return { field: "--source", source, grader: "fixed" as const, weights: null, count: null };
  } catch (thrown) {
    if (!(thrown instanceof InvalidArgumentError)) throw thrown;
    throw new InvalidArgumentError("--source", thrown.message, { cause: thrown });
  }
}

async function drawTasks(environment: RunEnvironment, count: number): Promise<Task[]> {
  const source = environment.source();
  const tasks: Task[] = [];
  for (let index = 0; index < Math.min(count, source.size ?? count); index++) {
    tasks.push(await source.task(index));
  }
  return tasks;
}
