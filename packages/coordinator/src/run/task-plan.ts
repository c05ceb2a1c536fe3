import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunConfig, type TaskSourceConfig, type ValidationConfig } from "@gumshoe/protocol";
import {
  createTaskSource,
  parseDataset,
  type Task,
  type TaskSource,
  type TaskSourceOptions,
  type TaskSourceSpec,
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
  readonly #perIteration: number;

  /** @throws InvalidArgumentError or DatasetError naming field, file or line */
  constructor(config: RunConfig) {
    this.validation = config.validation === null ? [] : validationTasks(config.validation);
    const [field, source, perIteration] =
      config.type === "grpo"
        ? (["tasks.source", config.tasks.source, config.tasks.perIteration] as const)
        : ([
            "examples.source",
            config.examples.source,
            config.examples.perUpdate * config.updatesPerIteration,
          ] as const);
    const exclude = new Set(this.validation.map(({ contentHash }) => contentHash));
    const orderSeed = config.seed + ORDER_OFFSET;
    this.#source = openSource(field, source, { exclude, orderSeed });
    this.#perIteration = perIteration;
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

function validationTasks(config: ValidationConfig): Task[] {
  const source = openSource("validation.source", config.source, {});
  const count = source.size === null ? config.count : Math.min(config.count, source.size);
  return Array.from({ length: count }, (_, i) => source.task(i));
}

function openSource(
  field: string,
  config: TaskSourceConfig,
  options: TaskSourceOptions,
): TaskSource {
  return createTaskSource(toSpec(field, config), options);
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
