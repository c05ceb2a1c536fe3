/**
 * Checks, at submission, everything that a run's config and inputs decide, so that a run does not
 * fail on it after hours. A new limit gets its check here.
 */
import { isDeepStrictEqual } from "node:util";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunEnvironment, singleEnvironments } from "@gumshoe/environments";
import { longestReply, longestTokens, type MeasuredTokens } from "@gumshoe/memory";
import {
  heldOutConfig,
  type HeldOutKind,
  type RunConfig,
  runSources,
  type SingleSource,
  type SingleSourceConfig,
} from "@gumshoe/config";
import type { GroupKind } from "@gumshoe/protocol";
import type { Task } from "@gumshoe/puzzles";

import type { CheckedModel } from "../plan/run-model.js";
import { checkApart } from "../plan/held-out-apart.js";
import { hashesOf, heldOutTasks, ORDER_OFFSET, type OpenEnvironments } from "../plan/task-plan.js";
import { goldContext, goldConversation } from "../learn/gold-conversation.js";
import { checkGrader } from "./grader-check.js";
import { answerRoom, tokenBudget } from "./token-budget.js";
import { checkTurns } from "./turns-check.js";
import { writePrompt } from "../plan/write-prompt.js";

/** Tasks of each source that are drawn and checked. */
const TASKS_PER_SOURCE = 8;
/** Time, in ms, after which no further task is drawn: the submitting user waits. */
const DRAW_MS = 5000;
/** Time, in ms, in which the tasks of validation and report are each drawn, to be compared. */
const HELD_OUT_MS = 20_000;
/** Mean time of a module's task, in ms, from which on a warning is given. */
const SLOW_TASK_MS = 100;

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
  readonly source: SingleSourceConfig;
  readonly kind: GroupKind;
  readonly environment: RunEnvironment;
  readonly tasks: readonly Task[];
  /** Mean time in which a task was made, in ms. */
  readonly msPerTask: number;
}

type Check = (run: Preflight, sources: readonly DrawnSource[]) => Promise<void> | void;

/** The checks by name, in order. */
const CHECKS: Readonly<Record<string, Check>> = {
  "the seed leaves room for the seeds that are derived from it": checkSeed,
  "a rollback finds a checkpoint of every validation": checkRollback,
  "validation and report have no task in common, and leave cases to learn from": checkOverlap,
  "modules and servers make the same task again": checkPure,
  "prompts hold their tasks": checkPrompts,
  "answers of several turns have their limits, and a chat template": checkTurns,
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
  return { warnings: [...smallDatasets(run), ...slowTasks(run, sources)], tokens };
}

async function drawSources({ config, environments }: Preflight): Promise<DrawnSource[]> {
  const { training, tiers } = environments;
  const learnt = opened(config, "train", training);
  const sources: DrawnSource[] = [];
  for (const one of learnt) sources.push(await draw(one, "train"));
  for (const [tier, environment] of tiers) {
    const field = `tasks.curriculum (${tier})`;
    for (const one of learnt) sources.push(await draw({ ...one, field, environment }, "train"));
  }
  for (const kind of ["validation", "report"] as const) {
    const environment = environments[kind];
    if (environment === null) continue;
    for (const one of opened(config, kind, environment)) sources.push(await draw(one, kind));
  }
  return sources;
}

/** A source of the config, or one of a mix, with its environment. */
type OpenedSource = SingleSource & { readonly environment: RunEnvironment };

function opened(
  config: RunConfig,
  kind: DrawnSource["kind"],
  environment: RunEnvironment,
): OpenedSource[] {
  const environments = singleEnvironments(environment);
  return runSources(config, kind).map((single, index) => {
    const own = environments[index];
    if (own === undefined) throw new Error(`${single.field} has an environment`);
    return { ...single, environment: own };
  });
}

async function draw(
  { field, source: config, environment }: OpenedSource,
  kind: GroupKind,
): Promise<DrawnSource> {
  const source = environment.source();
  const tasks: Task[] = [];
  const count = Math.min(TASKS_PER_SOURCE, source.size ?? TASKS_PER_SOURCE);
  const startedAtMs = performance.now();
  const elapsedMs = () => performance.now() - startedAtMs;
  try {
    for (let index = 0; index < count && elapsedMs() < DRAW_MS; index++) {
      tasks.push(await source.task(index));
    }
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw cause;
    throw new InvalidArgumentError(field, errorMessage(cause), { cause });
  }
  const msPerTask = elapsedMs() / tasks.length;
  return { field, source: config, kind, environment, tasks, msPerTask };
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

/** No held-out task is learnt from: a file with the same cases has none left. */
async function checkOverlap({ config, environments }: Preflight): Promise<void> {
  const { training, validation, report } = environments;
  const files = opened(config, "train", training).filter(({ source }) => isFile(source));
  const kinds = (["validation", "report"] as const).filter((kind) =>
    runSources(config, kind).some(({ source }) => isFile(source)),
  );
  const needsFiles = files.length > 0 && kinds.length > 0;
  const needsBoth = validation !== null && report !== null;
  if (!needsFiles && !needsBoth) return;
  // Tasks that are not drawn in time are compared when the run starts, before anything is sampled.
  const draw = (kind: HeldOutKind) => {
    const withinMs = needsFiles && kinds.includes(kind) ? Infinity : HELD_OUT_MS;
    return heldOutTasks(config, environments, kind, withinMs);
  };
  const drawn = { validation: await draw("validation"), report: await draw("report") };
  checkApart(drawn.validation, drawn.report);
  if (!needsFiles) return;
  const exclude = hashesOf(kinds.flatMap((kind) => drawn[kind]));
  for (const { field, environment } of files) {
    try {
      environment.source({ exclude });
    } catch (cause) {
      const problem = `holds no case that is not in the ${kinds.join(" or the ")}, and those are not learnt from`;
      throw new InvalidArgumentError(`${field}.file`, problem, { cause });
    }
  }
}

function isFile({ type }: SingleSourceConfig): boolean {
  return type === "dataset" || type === "file";
}

/** The field of a source that names a user's code, by type. */
const OWN_FIELDS: Readonly<Record<string, string>> = { module: "module", http: "url" };

/**
 * Draws the last task of each module and server again, after the others: it must not depend on the calls before, since a
 * resumed run makes its tasks again.
 */
async function checkPure(_run: Preflight, sources: readonly DrawnSource[]): Promise<void> {
  for (const { field: path, source, environment, tasks } of sources) {
    const last = tasks.at(-1);
    const field = OWN_FIELDS[source.type];
    if (field === undefined || last === undefined) continue;
    const again = await environment.source().task(tasks.length - 1);
    if (again.contentHash === last.contentHash) continue;
    const problem = `task ${tasks.length - 1} came out differently a second time`;
    throw new InvalidArgumentError(`${path}.${field}`, problem, {
      suggestion:
        source.type === "module"
          ? "it may depend on index and rng alone"
          : "it may depend on its seed, index and attempt alone",
    });
  }
}

/**
 * Checks that tasks that differ have prompts that differ. A chat template that expects another form of content,
 * such as a list of parts, or that takes its text from elsewhere, drops the tasks without an error.
 */
function checkPrompts({ config, model }: Preflight, sources: readonly DrawnSource[]): void {
  for (const { tasks } of sources) {
    const [first, ...others] = tasks;
    const other = others.find(({ messages }) => !isDeepStrictEqual(messages, first?.messages));
    if (first === undefined || other === undefined) continue;
    const promptOf = ({ messages }: Task) => writePrompt(config, model.tokenizer, messages);
    if (!isDeepStrictEqual(promptOf(first), promptOf(other))) continue;
    const problem =
      `${config.model}: the chat template writes the same prompt for ${first.id} and ${other.id}, ` +
      "whose messages differ: it leaves out what the messages say";
    throw new InvalidArgumentError("model", problem);
  }
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
  if (environment.step !== undefined) {
    const maxTokens = Math.min(config.maxPackTokens, model.maxPositions) - prompt;
    const context = { ...goldContext(config, model.tokenizer), environment, maxTokens };
    await goldConversation(task, context);
    return;
  }
  const traced = config.type === "sft" && config.examples.answers.type === "trace";
  const reply = await longestReply(config, environment, task);
  const maxAnswerTokens = model.tokenizer.encode(reply).length + 1;
  const budget = { ...tokenBudget(config, "train", model.maxPositions), maxAnswerTokens };
  if (answerRoom(task.id, prompt, budget) >= maxAnswerTokens) return;
  const problem = `has ${model.maxPositions} positions; ${task.id} needs ${prompt + maxAnswerTokens}`;
  throw new InvalidArgumentError(
    "model",
    `${problem} tokens with its ${traced ? "traced" : "right"} reply`,
  );
}

async function checkGraders({ config }: Preflight, sources: readonly DrawnSource[]): Promise<void> {
  for (const { field, kind, environment, tasks } of sources) {
    const [task] = tasks;
    // Training on examples grades nothing.
    const isUsed = config.type === "grpo" || kind !== "train";
    if (task !== undefined) await checkGrader({ field, environment, isUsed }, task);
  }
}

function smallDatasets({ config, environments }: Preflight): string[] {
  const drawn = tasksPerIteration(config) * config.iterations;
  const shares = sharesOf(environments.training);
  return opened(config, "train", environments.training).flatMap(({ field, environment }, index) => {
    const { size } = environment.source();
    const own = Math.round(drawn * (shares[index] ?? 1));
    if (size === null || own < 20 * size) return [];
    const times = Math.round(own / size);
    const where = shares.length === 1 ? "" : `${field}: `;
    return [
      `${where}the file has ${size} cases and the run draws ${own}: each comes about ${times} ` +
        "times, so the model may memorise them; watch the validation",
    ];
  });
}

/** Returns the shares of a mix's sources, which add up to 1; a single 1 for another environment. */
function sharesOf({ parts }: RunEnvironment): number[] {
  if (parts === undefined) return [1];
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return parts.map(({ weight }) => weight / total);
}

/** The workers wait while tasks are made, so that a slow `task()` costs the whole cluster its time. */
function slowTasks({ config }: Preflight, sources: readonly DrawnSource[]): string[] {
  return sources.flatMap(({ field, source, kind, msPerTask }) => {
    if (source.type !== "module" || msPerTask < SLOW_TASK_MS) return [];
    const numTasks =
      kind === "train" ? tasksPerIteration(config) : (heldOutConfig(config, kind)?.count ?? 0);
    const seconds = Math.round((numTasks * msPerTask) / 1000);
    const when = kind === "train" ? "in each iteration" : "whenever the run is started";
    return [
      `${field}.module: task() of ${source.module} takes ${(msPerTask / 1000).toFixed(1)} s, ` +
        `${seconds} s ${when} for ${numTasks} tasks, while all workers wait: make it faster, or read ` +
        "what it needs in createEnvironment()",
    ];
  });
}

function tasksPerIteration(config: RunConfig): number {
  if (config.type === "grpo") return config.tasks.perIteration;
  return config.examples.perUpdate * config.updatesPerIteration;
}
