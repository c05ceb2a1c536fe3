import { InvalidArgumentError } from "@gumshoe/core";
import { openEnvironment } from "@gumshoe/environments";
import { type RunConfig } from "@gumshoe/protocol";
import { type Environment, type Task, type TaskSource } from "@gumshoe/puzzles";

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
  readonly #source: TaskSource;
  readonly #perIteration: number;

  private constructor(config: RunConfig, { training, validation }: OpenEnvironments) {
    this.environment = training;
    this.validation = validation === null ? [] : validationTasks(config, validation);
    this.#source = training.source({
      exclude: new Set(this.validation.map(({ contentHash }) => contentHash)),
      orderSeed: config.seed + ORDER_OFFSET,
    });
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
    return new TaskPlan(config, await openEnvironments(config));
  }

  /** The training tasks of one iteration, in task order. */
  tasksOf(iteration: number): Task[] {
    const first = iteration * this.#perIteration;
    return Array.from({ length: this.#perIteration }, (_, i) => this.#source.task(first + i));
  }

  /** Training task number `index` of the run. */
  task(index: number): Task {
    return this.#source.task(index);
  }
}

/** The environments of a run, opened but not drawn from. */
interface OpenEnvironments {
  readonly training: Environment;
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
  training.source();
  validation?.source();
  if (config.type === "sft") checkReplies(config.examples.answers.type, training);
  return { training, validation };
}

function checkReplies(type: "gold" | "careless", environment: Environment): void {
  if ((type === "gold" ? "goldReply" : "carelessReply") in environment) return;
  const problem = `the environment of examples.source writes no ${type} replies`;
  throw new InvalidArgumentError("examples.answers.type", problem);
}

function validationTasks({ validation }: RunConfig, environment: Environment): Task[] {
  const source = environment.source();
  const wanted = validation?.count ?? 0;
  const count = source.size === null ? wanted : Math.min(wanted, source.size);
  return Array.from({ length: count }, (_, i) => source.task(i));
}
