/**
 * Checks, at submission, everything that a run's config and inputs decide, so that a run does not
 * fail on it after hours. A new limit gets its check here.
 */
import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { isWrongForm, type RunEnvironment } from "@gumshoe/environments";
import { longestTokens, type MeasuredTokens } from "@gumshoe/memory";
import { type RunConfig } from "@gumshoe/config";
import { type Task, type TaskGrade } from "@gumshoe/puzzles";

import { type CheckedModel } from "../plan/run-model.js";
import { ORDER_OFFSET, type OpenEnvironments } from "../plan/task-plan.js";
import { answerRoom, tokenBudget } from "./token-budget.js";
import { writePrompt } from "../plan/write-prompt.js";

/** Tasks of each source that are drawn and checked. */
const TASKS_PER_SOURCE = 8;

/** A run before it begins. */
export interface Preflight {
  readonly config: RunConfig;
  readonly model: CheckedModel;
  readonly environments: OpenEnvironments;
}

/** One source of tasks with its first tasks. */
interface DrawnSource {
  /** Path of the source's field in the config. */
  readonly field: string;
  readonly kind: "train" | "validation";
  readonly environment: RunEnvironment;
  readonly tasks: readonly Task[];
}

type Check = (run: Preflight, sources: readonly DrawnSource[]) => Promise<void> | void;

/** The checks by name, in order. */
const CHECKS: Readonly<Record<string, Check>> = {
  "the seed leaves room for the streams that are made from it": checkSeed,
  "a rollback finds a checkpoint of every validation": checkRollback,
  "prompts and answers fit the model and a pack": checkLengths,
  "graders return what they should": checkGraders,
};

/** What the checks of a run found. */
export interface PreflightResult {
  /** A line each: allowed, but probably not intended. */
  readonly warnings: readonly string[];
  /** The longest of the tasks that were looked at. */
  readonly tokens: MeasuredTokens;
}

/**
 * Checks a run.
 *
 * @throws  InvalidArgumentError or ModuleError naming the field
 */
export async function preflight(run: Preflight): Promise<PreflightResult> {
  const sources = await drawSources(run);
  for (const check of Object.values(CHECKS)) await check(run, sources);
  const isSft = run.config.type === "sft";
  const drawn = sources.map(({ kind, environment, tasks }) => {
    return { environment, tasks, isExample: isSft && kind === "train" };
  });
  const tokens = await longestTokens(run.config, run.model.tokenizer, drawn);
  return { warnings: smallDatasets(run), tokens };
}

async function drawSources({ config, environments }: Preflight): Promise<DrawnSource[]> {
  const { training, tiers, validation } = environments;
  const field = config.type === "grpo" ? "tasks.source" : "examples.source";
  const sources = [await draw(field, "train", training)];
  for (const [tier, environment] of tiers) {
    sources.push(await draw(`tasks.curriculum (${tier})`, "train", environment));
  }
  if (validation !== null) sources.push(await draw("validation.source", "validation", validation));
  return sources;
}

async function draw(
  field: string,
  kind: "train" | "validation",
  environment: RunEnvironment,
): Promise<DrawnSource> {
  const source = environment.source();
  const tasks: Task[] = [];
  const count = Math.min(TASKS_PER_SOURCE, source.size ?? TASKS_PER_SOURCE);
  try {
    for (let index = 0; index < count; index++) tasks.push(await source.task(index));
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw cause;
    throw new InvalidArgumentError(field, errorMessage(cause), { cause });
  }
  return { field, kind, environment, tasks };
}

function checkSeed({ config }: Preflight): void {
  if (Number.isSafeInteger(config.seed + ORDER_OFFSET)) return;
  const most = Number.MAX_SAFE_INTEGER - ORDER_OFFSET;
  throw new InvalidArgumentError("seed", `is ${config.seed}; it must be at most ${most}`);
}

/** Without one, the best weights that were measured may be in no checkpoint, and the run ends with others. */
function checkRollback({ config }: Preflight): void {
  const { validation, checkpoint, stopWhen } = config;
  if (validation === null || stopWhen?.action !== "rollback") return;
  if (validation.every % checkpoint.every === 0) return;
  const problem =
    `is ${checkpoint.every}, and validation.every ${validation.every}: stopWhen.action rollback ` +
    "needs a checkpoint of every validation";
  throw new InvalidArgumentError("checkpoint.every", problem, {
    suggestion: `${validation.every}`,
  });
}

/** An answer that is cut at the model's last position is no error later on; known before, it is. */
async function checkLengths(run: Preflight, sources: readonly DrawnSource[]): Promise<void> {
  const { config, model } = run;
  for (const { kind, environment, tasks } of sources) {
    const budget = tokenBudget(config, kind, model.maxPositions);
    for (const task of tasks) {
      const prompt = writePrompt(config, model.tokenizer, task.messages).length;
      if (config.type === "sft" && kind === "train") {
        await checkExample(run, { task, prompt, environment });
        continue;
      }
      const room = answerRoom(task.id, prompt, budget);
      if (room < budget.maxAnswerTokens) {
        const problem =
          `is ${budget.maxAnswerTokens}; the prompt of ${task.id} has ${prompt} tokens, ` +
          `and the model ${model.maxPositions} positions`;
        throw new InvalidArgumentError(budget.answerField, problem, {
          suggestion: `at most ${room}`,
        });
      }
    }
  }
}

async function checkExample(
  { config, model }: Preflight,
  example: { task: Task; prompt: number; environment: RunEnvironment },
): Promise<void> {
  const { task, prompt, environment } = example;
  const reply = (await environment.goldReply?.(task)) ?? "";
  const maxAnswerTokens = model.tokenizer.encode(reply).length + 1;
  const budget = { ...tokenBudget(config, "train", model.maxPositions), maxAnswerTokens };
  if (answerRoom(task.id, prompt, budget) >= maxAnswerTokens) return;
  const problem = `has ${model.maxPositions} positions; ${task.id} needs ${prompt + maxAnswerTokens}`;
  throw new InvalidArgumentError("model", `${problem} tokens with its right reply`);
}

/**
 * Grades an empty reply, and the reference reply if there is one, to find a result of the wrong
 * form.
 */
async function checkGraders(_run: Preflight, sources: readonly DrawnSource[]): Promise<void> {
  for (const { field, environment, tasks } of sources) {
    const [task] = tasks;
    if (task === undefined) continue;
    const gold = await environment.goldReply?.(task);
    const grades = await gradeOnce(
      { field, environment },
      task,
      gold === undefined ? [""] : ["", gold],
    );
    const wrong = grades.find(isWrongForm);
    if (wrong?.reward === null) throw new InvalidArgumentError(field, wrong.reason);
  }
}

/** Grades without retries, because the submitting user waits for the response. */
async function gradeOnce(
  { field, environment }: Pick<DrawnSource, "field" | "environment">,
  task: Task,
  replies: readonly string[],
): Promise<TaskGrade[]> {
  try {
    return await environment.grade(task, replies, { tries: 1 });
  } catch (cause) {
    throw new InvalidArgumentError(field, errorMessage(cause), { cause });
  }
}

function smallDatasets({ config, environments }: Preflight): string[] {
  const { size } = environments.training.source();
  const perIteration =
    config.type === "grpo"
      ? config.tasks.perIteration
      : config.examples.perUpdate * config.updatesPerIteration;
  const drawn = perIteration * config.iterations;
  if (size === null || drawn < 20 * size) return [];
  const times = Math.round(drawn / size);
  return [
    `the file has ${size} cases and the run draws ${drawn}: each comes about ${times} times, ` +
      "so that it may be learnt by heart; watch the validation",
  ];
}
