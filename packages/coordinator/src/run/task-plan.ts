import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunConfig, type TaskSourceConfig, type ValidationConfig } from "@gumshoe/protocol";
import {
  createTaskSource,
  parseDataset,
  type Task,
  type TaskSource,
  type TaskSourceSpec,
  type TierName,
} from "@gumshoe/puzzles";

/** Keeps the order of training tasks apart from other uses of the run's seed. */
const ORDER_OFFSET = 0x7461736b;

/**
 * The tasks of a run, in an order that its seed alone decides. The validation set is fixed at the start,
 * and no case of it ever comes up in training.
 */
export class TaskPlan {
  readonly validation: readonly Task[];
  readonly #source: TaskSource;
  /** The training source of each tier that a curriculum may choose. */
  readonly #tiers: ReadonlyMap<TierName, TaskSource>;
  readonly #perIteration: number;
  /** The tasks that were asked for last: an iteration asks more than once. */
  #latest: { readonly key: string; readonly tasks: readonly Task[] } | null = null;

  private constructor(
    config: RunConfig,
    sources: { training: TaskSource; tiers: ReadonlyMap<TierName, TaskSource> },
    validation: readonly Task[],
  ) {
    this.validation = validation;
    this.#source = sources.training;
    this.#tiers = sources.tiers;
    this.#perIteration =
      config.type === "grpo"
        ? config.tasks.perIteration
        : config.examples.perUpdate * config.updatesPerIteration;
  }

  /** @throws InvalidArgumentError or DatasetError naming field, file or line */
  static async open(config: RunConfig): Promise<TaskPlan> {
    const { validation, training } = await openSources(config);
    const tasks =
      validation === null ? [] : await drawTasks(validation.source, 0, validation.count);
    const exclude = new Set(tasks.map(({ contentHash }) => contentHash));
    const curriculum = config.type === "grpo" ? config.tasks.curriculum : null;
    const tiers = (curriculum?.tiers ?? []).map((tier) => [tier, training(exclude, tier)] as const);
    const sources = { training: training(exclude), tiers: new Map(tiers) };
    return new TaskPlan(config, sources, tasks);
  }

  /**
   * The training tasks of one iteration, in task order.
   *
   * @param tier  what a curriculum has decided; null for the tasks of the config's source
   */
  async tasksOf(iteration: number, tier: TierName | null = null): Promise<readonly Task[]> {
    const key = `${iteration} ${tier}`;
    if (this.#latest?.key === key) return this.#latest.tasks;
    const source = tier === null ? this.#source : this.#tiers.get(tier);
    if (source === undefined) throw new Error(`no curriculum of this run has tier ${tier}`);
    const first = iteration * this.#perIteration;
    const tasks = await drawTasks(source, first, this.#perIteration);
    this.#latest = { key, tasks };
    return tasks;
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
  const search = source.search(index);
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const step = search.next();
    if (step.done === true) return step.value;
  }
}

/** The sources of a run, opened but not drawn from. */
export interface Sources {
  readonly validation: { readonly source: TaskSource; readonly count: number } | null;
  /** @param tier  replaces the tier of generated cases */
  readonly training: (exclude: ReadonlySet<string>, tier?: TierName) => TaskSource;
}

/**
 * Opens the sources that a config names.
 *
 * @throws InvalidArgumentError or DatasetError naming field, file or line
 */
export async function openSources(config: RunConfig): Promise<Sources> {
  const [field, training] =
    config.type === "grpo"
      ? (["tasks.source", config.tasks.source] as const)
      : (["examples.source", config.examples.source] as const);
  const spec = toSpec(field, training);
  const orderSeed = config.seed + ORDER_OFFSET;
  await checkSource(field, spec);
  return {
    validation: config.validation === null ? null : await openValidation(config.validation),
    training: (exclude, tier) => createTaskSource(withTier(spec, tier), { exclude, orderSeed }),
  };
}

async function openValidation({ source: config, count }: ValidationConfig) {
  const spec = toSpec("validation.source", config);
  await checkSource("validation.source", spec);
  const source = createTaskSource(spec);
  return { source, count: source.size === null ? count : Math.min(count, source.size) };
}

/** Opens a source, and draws from it where a task of the wanted difficulty may not exist. */
async function checkSource(field: string, spec: TaskSourceSpec): Promise<void> {
  const source = createTaskSource(spec);
  if (spec.type !== "generate" || (spec.difficulty ?? null) === null) return;
  try {
    await drawTask(source, 0);
  } catch (cause) {
    throw new InvalidArgumentError(`${field}.difficulty`, errorMessage(cause), { cause });
  }
}

function withTier(spec: TaskSourceSpec, tier: TierName | undefined): TaskSourceSpec {
  return spec.type === "generate" && tier !== undefined ? { ...spec, tier } : spec;
}

function toSpec(field: string, config: TaskSourceConfig): TaskSourceSpec {
  if (config.type === "generate") return config;
  let text: string;
  try {
    text = readFileSync(config.file, "utf8");
  } catch (cause) {
    throw new InvalidArgumentError(`${field}.file`, errorMessage(cause), { cause });
  }
  const records = parseDataset(text);
  if (config.split === null) return { type: "dataset", records };
  const [from, to] = config.split;
  if (to > records.length) {
    throw new InvalidArgumentError(
      `${field}.split`,
      `ends at ${to}, but the file has ${records.length} records`,
    );
  }
  return { type: "dataset", records: records.slice(from, to) };
}
