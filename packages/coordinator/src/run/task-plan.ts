import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { openEnvironment } from "@gumshoe/environments";
import { type InputSource, type RunConfig, type TaskSourceConfig } from "@gumshoe/protocol";
import { type Environment, type Task, type TaskSource, type TierName } from "@gumshoe/puzzles";

import { taskSources } from "./task-sources.js";

/** Keeps the order of training tasks apart from other uses of the run's seed. */
const ORDER_OFFSET = 0x7461736b;

/**
 * The tasks of a run, in an order that its seed alone decides. The validation set is fixed at the start,
 * and no task of it ever comes up in training.
 */
export class TaskPlan {
  readonly validation: readonly Task[];
  /** The environment of the training tasks. */
  readonly environment: Environment;
  /** Where the tasks come from, by content. */
  readonly sources: readonly InputSource[];
  readonly #source: TaskSource;
  /** The training source of each tier that a curriculum may choose. */
  readonly #tiers: ReadonlyMap<TierName, TaskSource>;
  readonly #perIteration: number;

  private constructor(
    config: RunConfig,
    { training, tiers }: OpenEnvironments,
    { validation, sources }: { validation: readonly Task[]; sources: readonly InputSource[] },
  ) {
    const exclude = new Set(validation.map(({ contentHash }) => contentHash));
    const options = { exclude, orderSeed: config.seed + ORDER_OFFSET };
    this.environment = training;
    this.validation = validation;
    this.sources = sources;
    this.#source = training.source(options);
    this.#tiers = new Map([...tiers].map(([tier, one]) => [tier, one.source(options)]));
    this.#perIteration =
      config.type === "grpo"
        ? config.tasks.perIteration
        : config.examples.perUpdate * config.updatesPerIteration;
  }

  /**
   * Opens the files and modules that a config names, and draws the validation set.
   *
   * @throws InvalidArgumentError, ModuleError or DatasetError naming field, file or line
   */
  static async open(config: RunConfig): Promise<TaskPlan> {
    const environments = await openEnvironments(config);
    const validation = await validationTasks(config, environments);
    const sources = await taskSources(config, environments);
    return new TaskPlan(config, environments, { validation, sources });
  }

  /**
   * Yields the training tasks of one iteration, in task order. None is kept: there may be thousands.
   *
   * @param tier  what a curriculum has decided; null for the tasks of the config's source
   */
  async *tasksOf(iteration: number, tier: TierName | null = null): AsyncGenerator<Task> {
    const source = tier === null ? this.#source : this.#tiers.get(tier);
    if (source === undefined) throw new Error(`no curriculum of this run has tier ${tier}`);
    const first = iteration * this.#perIteration;
    for (let i = 0; i < this.#perIteration; i++) yield drawTask(source, first + i);
  }

  /** Training task number `index` of the run. */
  task(index: number): Promise<Task> {
    return drawTask(this.#source, index);
  }
}

async function drawTasks(source: TaskSource, first: number, count: number): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let i = 0; i < count; i++) tasks.push(await drawTask(source, first + i));
  return tasks;
}

/** Draws a task; leases and heartbeats get their turn before every case that is made for it. */
export async function drawTask(source: TaskSource, index: number): Promise<Task> {
  const search = source.search?.(index) ?? null;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    if (search === null) return source.task(index);
    const step = search.next();
    if (step.done === true) return step.value;
  }
}

/** The environments of a run, opened but not drawn from. */
export interface OpenEnvironments {
  readonly training: Environment;
  /** Those of the tiers that a curriculum may choose; empty without one. */
  readonly tiers: ReadonlyMap<TierName, Environment>;
  readonly validation: Environment | null;
}

/**
 * Opens the environments that a config names, and checks that they can do what the run needs.
 *
 * @throws InvalidArgumentError, ModuleError or DatasetError naming field, file or line
 */
export async function openEnvironments(config: RunConfig): Promise<OpenEnvironments> {
  const training = await openEnvironment(config, "train");
  const validation = await openEnvironment(config, "validation");
  if (training === null) throw new Error("every run has training tasks");
  const [field, source] =
    config.type === "grpo"
      ? (["tasks.source", config.tasks.source] as const)
      : (["examples.source", config.examples.source] as const);
  await checkSource(field, training, source);
  if (validation !== null) {
    await checkSource("validation.source", validation, config.validation?.source ?? null);
  }
  if (config.type === "sft") checkReplies(config.examples.answers.type, training);
  return { training, tiers: await openTiers(config), validation };
}

async function openTiers(config: RunConfig): Promise<ReadonlyMap<TierName, Environment>> {
  const tiers = new Map<TierName, Environment>();
  if (config.type !== "grpo" || config.tasks.source.type !== "generate") return tiers;
  for (const tier of config.tasks.curriculum?.tiers ?? []) {
    const tasks = { ...config.tasks, source: { ...config.tasks.source, tier } };
    const environment = await openEnvironment({ ...config, tasks }, "train");
    if (environment !== null) tiers.set(tier, environment);
  }
  return tiers;
}

/** Opens a source, and draws from it where a task of the wanted difficulty may not exist. */
async function checkSource(
  field: string,
  environment: Environment,
  config: TaskSourceConfig | null,
): Promise<void> {
  const source = environment.source();
  if (config?.type !== "generate" || config.difficulty === null) return;
  try {
    await drawTask(source, 0);
  } catch (cause) {
    throw new InvalidArgumentError(`${field}.difficulty`, errorMessage(cause), { cause });
  }
}

function checkReplies(type: "gold" | "careless", environment: Environment): void {
  if ((type === "gold" ? "goldReply" : "carelessReply") in environment) return;
  const problem = `the environment of examples.source writes no ${type} replies`;
  throw new InvalidArgumentError("examples.answers.type", problem);
}

async function validationTasks(
  { validation: config }: RunConfig,
  { validation }: OpenEnvironments,
): Promise<Task[]> {
  if (config === null || validation === null) return [];
  const source = validation.source();
  const count = source.size === null ? config.count : Math.min(config.count, source.size);
  return drawTasks(source, 0, count);
}
