import { hashJson } from "@gumshoe/core";
import { readTask, type Task, TaskFormatError, type TaskSourceOptions } from "@gumshoe/puzzles";

import { MixOrder } from "./mix-order.js";
import type { StepResult } from "./module/check-step.js";
import type { EnvironmentPart, RunEnvironment, RunTaskSource } from "./run-environment.js";

/** A task of a mix: the task of one of its sources, which it names. */
interface MixTask extends Task {
  readonly source: string;
}

/** Returns the source of a mix that a task comes from; null for a task of another environment. */
export function sourceOfTask(task: object): string | null {
  const { source } = task as Partial<MixTask>;
  return typeof source === "string" ? source : null;
}

/** Methods that a mix has if all its sources have them. */
const OPTIONAL = ["goldReply", "tracedReply", "carelessReply", "hastyReply", "voteReply"] as const;

/**
 * Makes one environment of several: deals the positions of its series to them by weight, and has
 * each of them grade its own tasks. Closing it closes them.
 */
export function mixEnvironment(parts: readonly EnvironmentPart[]): RunEnvironment {
  const mix = new Mix(parts);
  const environment: RunEnvironment = {
    digest: hashJson(
      parts.map(({ name, weight, environment: { digest } }) => [name, weight, digest]),
    ),
    hasJudge: parts.some((part) => part.environment.hasJudge),
    parts,
    source: (options) => mix.source(options),
    readTask: (json) => mix.readTask(json),
    grade: (task, replies, options) => mix.ownerOf(task).grade(task, replies, options),
    close: async () => {
      await Promise.all(parts.map((part) => part.environment.close()));
    },
  };
  const inTurns = parts.some((part) => part.environment.step !== undefined);
  const step = mix.step.bind(mix);
  const shared = OPTIONAL.filter((name) => parts.every((part) => name in part.environment));
  return {
    ...environment,
    ...(inTurns && { step }),
    ...Object.fromEntries(shared.map((name) => [name, mix.reply(name)])),
  };
}

type StepArguments = Parameters<NonNullable<RunEnvironment["step"]>>;

class Mix {
  readonly #parts: readonly EnvironmentPart[];

  constructor(parts: readonly EnvironmentPart[]) {
    this.#parts = parts;
  }

  source(options?: TaskSourceOptions): RunTaskSource {
    const order = new MixOrder(this.#parts.map(({ weight }) => weight));
    const sources = this.#parts.map((part) => part.environment.source(options));
    return {
      size: order.size(sources.map(({ size }) => size)),
      task: async (position) => {
        const { source, index } = order.at(position);
        const [part, own] = [this.#parts[source], sources[source]];
        if (part === undefined || own === undefined) throw new Error("a place has a source");
        return named(part.name, await own.task(index));
      },
    };
  }

  readTask(json: string): MixTask {
    const { task, fields } = readTask(json);
    const owner = this.ownerOf({ ...task, source: fields["source"] } as Task);
    return { ...owner.readTask(json), source: String(fields["source"]) };
  }

  /** @throws TaskFormatError */
  ownerOf(task: Task): RunEnvironment {
    const name = sourceOfTask(task);
    const part = this.#parts.find((one) => one.name === name);
    if (part !== undefined) return part.environment;
    const known = this.#parts.map((one) => one.name).join(", ");
    throw new TaskFormatError("task.source", `is none of the sources ${known}`);
  }

  /** Continues a conversation; the reply to a task without turns is graded. */
  async step(...[task, reply, turn, options]: StepArguments): Promise<StepResult> {
    const owner = this.ownerOf(task);
    if (owner.step !== undefined) return owner.step(task, reply, turn, options);
    const [grade] = await owner.grade(task, [reply], options);
    if (grade === undefined) throw new Error("a reply has a grade");
    return { type: "grade", grade };
  }

  /** Returns a method that asks the environment of a task for a reply. */
  reply(name: (typeof OPTIONAL)[number]): (task: Task, ...rest: unknown[]) => Promise<string> {
    return (task, ...rest) => {
      const owner = this.ownerOf(task);
      const write = owner[name]?.bind(owner) as (task: Task, ...rest: unknown[]) => Promise<string>;
      return write(task, ...rest);
    };
  }
}

/** Ids are unique within a source only. */
function named(source: string, task: Task): MixTask {
  return { ...task, id: `${source}/${task.id}`, source };
}
