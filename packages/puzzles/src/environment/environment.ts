/**
 * The environment contract, the only knowledge that training has of an environment.
 *
 * - An index of a source gives the same task on every machine and at any time.
 * - A task survives a JSON round trip: it is made in one process and graded in another.
 * - The same reply to the same task always gets the same grade.
 * - "Could not be scored" differs from "wrong": such a reply has no reward, is left out of all
 *   means, and is counted.
 */
import type { Rng } from "@gumshoe/core";

import type { Search } from "../search.js";
import type { Carelessness } from "../grading/replies.js";
import type { SolverFactory } from "../solver/sat-solver.js";
import type { TracedReplyOptions } from "../trace/trace-text.js";
import type { Task } from "./task.js";

/** The grade of a reply. */
export type TaskGrade =
  | {
      /** Finite, usually 0 to 1. */
      reward: number;
      /** The rewards that it is made of, by name; absent where there is only one. */
      rewards?: Record<string, number>;
      /** Further numbers about the reply, by name. */
      metrics: Record<string, number>;
    }
  | {
      /** The reply could not be scored. */
      reward: null;
      /** The reason, for people. */
      reason: string;
      metrics: Record<string, number>;
    };

/** Options of a source that apply to all environments. */
export interface TaskSourceOptions {
  /**
   * Seed of the order of a file's records, which differs in every pass; null for the order of the
   * file. The order of a generated series depends on its own seed.
   */
  orderSeed?: number | null;
  /** Content hashes of excluded tasks, such as those of the validation set. */
  exclude?: ReadonlySet<string>;
  /** Proves that a generated case has one solution; all solvers make the same cases. */
  solver?: SolverFactory;
}

/** A series of tasks in which an index always gives the same task. */
export interface TaskSource<T extends Task = Task> {
  /** Number of different tasks, null for an endless series. */
  readonly size: number | null;
  /** Returns a task of the series; `index` counts from 0, and beyond `size` a new pass begins. */
  task(index: number): T;
  /**
   * Finds the same task, yielding between attempts so that the caller can do other work; absent if
   * tasks need no search.
   */
  search?(index: number): Search<T>;
}

/** Makes tasks and grades replies. */
export interface Environment<T extends Task = Task> {
  /** Creates a source of tasks. */
  source(options?: TaskSourceOptions): TaskSource<T>;
  /** Parses a task of this environment from JSON. @throws TaskFormatError naming the field */
  readTask(json: string): T;
  /** Scores a reply. A thrown error is the reason why the reply could not be scored. */
  grade(task: T, reply: string): TaskGrade | Promise<TaskGrade>;
  /** Writes the reference reply; absent if the environment has none. */
  goldReply?(task: T): string;
  /** Writes a reply that reasons before it answers, yielding between attempts; absent if the environment has none. */
  tracedReply?(task: T, options?: TracedReplyOptions): Search<string>;
  /** Writes a reply with random mistakes; absent if the environment has none. */
  carelessReply?(task: T, rng: Rng, how: Carelessness): string;
  /**
   * Writes a reply in which each answer is, with probability `share`, the first that comes to mind;
   * absent if the environment has none.
   */
  hastyReply?(task: T, rng: Rng, share: number): string;
  /**
   * Writes the reply that most replies agree on, which is graded like them; absent if the
   * environment has none.
   */
  voteReply?(task: T, replies: readonly string[]): string;
}

/** Attempts at one index before an error reports that all tasks are excluded. */
const MAX_ATTEMPTS = 1000;

/**
 * Returns the first task of an index that is not excluded; null when many attempts gave none.
 *
 * @param draw  makes the task of an attempt, counted from 0
 */
export async function firstWantedAsync<T extends Task>(
  exclude: ReadonlySet<string> | undefined,
  draw: (attempt: number) => Promise<T>,
): Promise<T | null> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const task = await draw(attempt);
    if (!exclude?.has(task.contentHash)) return task;
  }
  return null;
}

/** Synchronous {@link firstWantedAsync}. */
export function firstWanted<T extends Task>(
  exclude: ReadonlySet<string> | undefined,
  draw: (attempt: number) => T,
): T | null {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const task = draw(attempt);
    if (!exclude?.has(task.contentHash)) return task;
  }
  return null;
}
