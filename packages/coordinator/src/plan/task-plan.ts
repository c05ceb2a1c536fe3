import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { openEnvironment, type RunEnvironment, type RunTaskSource } from "@gumshoe/environments";
import {
  heldOutConfig,
  type HeldOutKind,
  type RunConfig,
  type TaskSourceConfig,
} from "@gumshoe/config";
import type { GroupKind, InputSource } from "@gumshoe/protocol";
import type { Task, TierName } from "@gumshoe/puzzles";

import { checkApart } from "./held-out-apart.js";
import { taskSources } from "./task-sources.js";

/**
 * Added to the run's seed, to keep the order of training tasks independent of the seed's other
 * uses.
 */
export const ORDER_OFFSET = 0x7461736b;

/**
 * The tasks of a run, in an order that depends on its seed alone. The held-out tasks are fixed at the
 * start, and none of them is ever drawn for training.
 */
export class TaskPlan {
  /** The tasks of the validation and of the report, which have none in common. */
  readonly heldOut: Readonly<Record<HeldOutKind, readonly Task[]>>;
  /** The environment of the training tasks. */
  readonly environment: RunEnvironment;
  /** Digests of the graders of tasks; empty for a kind that the run does not have. */
  readonly digests: Readonly<Record<GroupKind, string>>;
  /** Whether the model answers tasks in several turns. */
  readonly inTurns: Readonly<Record<GroupKind, boolean>>;
  /** Whether tasks are graded by a judge; see `RunEnvironment.hasJudge`. */
  readonly judges: Readonly<Record<GroupKind, boolean>>;
  /** The task sources, identified by content. */
  readonly sources: readonly InputSource[];
  readonly #environments: OpenEnvironments;
  readonly #source: RunTaskSource;
  /** The training source of each tier that the curriculum may choose. */
  readonly #tiers: ReadonlyMap<TierName, RunTaskSource>;

  private constructor(
    config: RunConfig,
    environments: OpenEnvironments,
    { heldOut, sources }: Pick<TaskPlan, "heldOut" | "sources">,
  ) {
    const { training, tiers } = environments;
    this.#environments = environments;
    this.digests = byKind(environments, (environment) => environment?.digest ?? "");
    this.inTurns = byKind(environments, (environment) => environment?.step !== undefined);
    this.judges = byKind(environments, (environment) => environment?.hasJudge ?? false);
    const exclude = hashesOf([...heldOut.validation, ...heldOut.report]);
    const options = { exclude, orderSeed: config.seed + ORDER_OFFSET };
    this.environment = training;
    this.heldOut = heldOut;
    this.sources = sources;
    this.#source = training.source(options);
    this.#tiers = new Map([...tiers].map(([tier, one]) => [tier, one.source(options)]));
  }

  /**
   * Opens the files and modules that a config names, and draws the held-out tasks.
   *
   * @throws InvalidArgumentError, ModuleError or DatasetError naming field, file or line
   */
  static async open(config: RunConfig): Promise<TaskPlan> {
    const environments = await openEnvironments(config);
    try {
      const validation = await heldOutTasks(config, environments, "validation");
      const report = await heldOutTasks(config, environments, "report");
      checkApart(validation, report);
      const sources = taskSources(config, environments);
      return new TaskPlan(config, environments, { heldOut: { validation, report }, sources });
    } catch (error) {
      await closeEnvironments(environments);
      throw error;
    }
  }

  /** Closes the environments, which ends the processes of user modules. */
  close(): Promise<void> {
    return closeEnvironments(this.#environments);
  }

  /**
   * Yields `count` training tasks from number `first` of the run's order on. None is retained: there
   * may be thousands.
   *
   * @param tier  the curriculum's tier; null for the config's own source
   */
  async *draw(first: number, count: number, tier: TierName | null = null): AsyncGenerator<Task> {
    const source = tier === null ? this.#source : this.#tiers.get(tier);
    if (source === undefined) throw new Error(`no curriculum of this run has tier ${tier}`);
    for (let i = 0; i < count; i++) yield await source.task(first + i);
  }

  /** Returns training task number `index` of the run. */
  task(index: number): Promise<Task> {
    return this.#source.task(index);
  }
}

/** Draws the first tasks of a source: `count`, or all if it has fewer; none is begun after `withinMs`. */
async function drawTasks(source: RunTaskSource, count: number, withinMs: number): Promise<Task[]> {
  const tasks: Task[] = [];
  const wanted = Math.min(count, source.size ?? count);
  const startedAtMs = performance.now();
  for (let index = 0; index < wanted; index++) {
    if (performance.now() - startedAtMs > withinMs) break;
    tasks.push(await source.task(index));
  }
  return tasks;
}

/** The environments of a run, opened; no task is drawn yet. */
export interface OpenEnvironments {
  readonly training: RunEnvironment;
  /** Environments of the tiers that a curriculum may choose; empty without one. */
  readonly tiers: ReadonlyMap<TierName, RunEnvironment>;
  readonly validation: RunEnvironment | null;
  readonly report: RunEnvironment | null;
}

/** Returns the content hashes of tasks. */
export function hashesOf(tasks: readonly Task[]): Set<string> {
  return new Set(tasks.map(({ contentHash }) => contentHash));
}

function byKind<T>(
  { training, validation, report }: OpenEnvironments,
  of: (environment: RunEnvironment | null) => T,
): Record<GroupKind, T> {
  return { train: of(training), validation: of(validation), report: of(report) };
}

/**
 * Opens the environments that a config names, and checks that they support what the run needs.
 *
 * @throws InvalidArgumentError, ModuleError or DatasetError naming field, file or line
 */
export async function openEnvironments(config: RunConfig): Promise<OpenEnvironments> {
  const opened: RunEnvironment[] = [];
  const open = async (kind: GroupKind, of = config) => {
    const environment = await openEnvironment(of, kind);
    if (environment !== null) opened.push(environment);
    return environment;
  };
  try {
    const training = await open("train");
    const validation = await open("validation");
    const report = await open("report");
    if (training === null) throw new Error("every run has training tasks");
    const [field, source] =
      config.type === "grpo"
        ? (["tasks.source", config.tasks.source] as const)
        : (["examples.source", config.examples.source] as const);
    await checkSource(field, training, source);
    for (const [kind, environment] of Object.entries({ validation, report })) {
      const source = heldOutConfig(config, kind as HeldOutKind)?.source ?? null;
      if (environment !== null) await checkSource(`${kind}.source`, environment, source);
    }
    if (config.type === "sft") {
      const { answers } = config.examples;
      checkReplies(answers.type, training);
      if (answers.type === "trace" && answers.hasty > 0) checkReplies("hasty", training);
    }
    return { training, tiers: await openTiers(config, open), validation, report };
  } catch (error) {
    await Promise.all(opened.map((environment) => environment.close()));
    throw error;
  }
}

/** Closes the environments of a run. Idempotent. */
export async function closeEnvironments(environments: OpenEnvironments): Promise<void> {
  const { training, tiers, validation, report } = environments;
  const all = [training, ...tiers.values(), validation, report];
  const opened = all.filter((environment) => environment !== null);
  await Promise.all(opened.map((environment) => environment.close()));
}

async function openTiers(
  config: RunConfig,
  open: (kind: "train", of: RunConfig) => Promise<RunEnvironment | null>,
): Promise<ReadonlyMap<TierName, RunEnvironment>> {
  const tiers = new Map<TierName, RunEnvironment>();
  if (config.type !== "grpo" || config.tasks.source.type !== "generate") return tiers;
  for (const tier of config.tasks.curriculum?.tiers ?? []) {
    const tasks = { ...config.tasks, source: { ...config.tasks.source, tier } };
    const environment = await open("train", { ...config, tasks });
    if (environment !== null) tiers.set(tier, environment);
  }
  return tiers;
}

/** Opens a source, and draws one task if the requested difficulty may not occur in it. */
async function checkSource(
  field: string,
  environment: RunEnvironment,
  config: TaskSourceConfig | null,
): Promise<void> {
  const source = environment.source();
  if (config?.type !== "generate" || config.difficulty === null) return;
  try {
    await source.task(0);
  } catch (cause) {
    throw new InvalidArgumentError(`${field}.difficulty`, errorMessage(cause), { cause });
  }
}

/** The method of an environment that writes each type of `examples.answers`. */
const REPLY_METHODS = {
  gold: "goldReply",
  trace: "tracedReply",
  careless: "carelessReply",
  hasty: "hastyReply",
} as const;

function checkReplies(type: keyof typeof REPLY_METHODS, environment: RunEnvironment): void {
  if (REPLY_METHODS[type] in environment) return;
  const problem = `the environment of examples.source writes no ${type} replies`;
  throw new InvalidArgumentError("examples.answers.type", problem);
}

/**
 * Draws the held-out tasks of a run; none without such tasks.
 *
 * @param withinMs  time after which no further task is drawn; default: all are
 */
export async function heldOutTasks(
  config: RunConfig,
  environments: OpenEnvironments,
  kind: HeldOutKind,
  withinMs = Infinity,
): Promise<Task[]> {
  const settings = heldOutConfig(config, kind);
  const environment = environments[kind];
  if (settings === null || environment === null) return [];
  return drawTasks(environment.source(), settings.count, withinMs);
}
