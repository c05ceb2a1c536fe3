import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunConfig, type TaskSourceConfig, type ValidationConfig } from "@gumshoe/protocol";
import {
  createTaskSource,
  parseDataset,
  type Task,
  type TaskSource,
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
    const { validation, training } = openSources(config);
    const count = validation?.count ?? 0;
    this.validation = Array.from({ length: count }, (_, i) => validation?.source.task(i) as Task);
    this.#source = training(new Set(this.validation.map(({ contentHash }) => contentHash)));
    this.#perIteration =
      config.type === "grpo"
        ? config.tasks.perIteration
        : config.examples.perUpdate * config.updatesPerIteration;
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

/** The sources of a run, opened but not drawn from. */
interface Sources {
  readonly validation: { readonly source: TaskSource; readonly count: number } | null;
  readonly training: (exclude: ReadonlySet<string>) => TaskSource;
}

/**
 * Opens the sources that a config names.
 *
 * @throws InvalidArgumentError or DatasetError naming field, file or line
 */
export function openSources(config: RunConfig): Sources {
  const [field, training] =
    config.type === "grpo"
      ? (["tasks.source", config.tasks.source] as const)
      : (["examples.source", config.examples.source] as const);
  const spec = toSpec(field, training);
  const orderSeed = config.seed + ORDER_OFFSET;
  createTaskSource(spec, { orderSeed });
  return {
    validation: config.validation === null ? null : openValidation(config.validation),
    training: (exclude) => createTaskSource(spec, { exclude, orderSeed }),
  };
}

function openValidation({ source: config, count }: ValidationConfig) {
  const source = createTaskSource(toSpec("validation.source", config));
  return { source, count: source.size === null ? count : Math.min(count, source.size) };
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
