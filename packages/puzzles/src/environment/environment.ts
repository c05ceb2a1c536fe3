/**
 * What a trainer asks of an environment, and all that it knows of one.
 *
 * - Task number `index` of a source is the same one on every machine and whenever it is asked for.
 * - A task survives the way through JSON: it is made in one process and graded in another.
 * - The same reply to the same task always gets the same grade.
 * - "Could not be scored" is not "wrong": such a reply has no reward, is in no mean, and is counted.
 */
import { type Rng } from "@gumshoe/core";

import { type Search } from "../find-case.js";
import { type Carelessness } from "../grading/replies.js";
import { type SolverFactory } from "../solver/sat-solver.js";
import { type Task } from "./task.js";

/** What a reply to a task is worth. */
export type TaskGrade =
  | {
      /** Usually 0 to 1; finite. */
      reward: number;
      /** Further numbers about the reply, by name. */
      metrics: Record<string, number>;
    }
  | {
      /** The reply could not be scored. */
      reward: null;
      /** Why not, for people. */
      reason: string;
      metrics: Record<string, number>;
    };

/** What the tasks of a source are chosen by, beside what the environment itself says. */
export interface TaskSourceOptions {
  /**
   * Decides the order of a file's records, anew in every pass over them; null for the order of the
   * file. A generated series has one order, that of its seed.
   */
  orderSeed?: number | null;
  /** Content hashes of tasks that must not come up, such as those of the validation. */
  exclude?: ReadonlySet<string>;
  /** Proves that a generated case has one answer; any solver makes the same cases. */
  solver?: SolverFactory;
}

/** A series of tasks in which number `index` is always the same one. */
export interface TaskSource<T extends Task = Task> {
  /** Different tasks, null when the series is endless. */
  readonly size: number | null;
  /** Returns a task of the series; `index` counts from 0 and may exceed `size`: a new pass begins. */
  task(index: number): T;
  /**
   * Finds the same task, and yields now and then, so that other work can have its turn; absent where
   * a task is made at once.
   */
  search?(index: number): Search<T>;
}

/** Makes tasks and grades replies to them. */
export interface Environment<T extends Task = Task> {
  /** Makes a source of tasks. */
  source(options?: TaskSourceOptions): TaskSource<T>;
  /** Reads a task of this environment from JSON. @throws TaskFormatError naming the field */
  readTask(json: string): T;
  /** Scores a reply. What it throws is a reason why the reply could not be scored. */
  grade(task: T, reply: string): TaskGrade | Promise<TaskGrade>;
  /** Writes the right reply to a task; absent where the environment knows none. */
  goldReply?(task: T): string;
  /** Writes the reply of somebody who is careless; absent where nobody can be. */
  carelessReply?(task: T, rng: Rng, how: Carelessness): string;
}

/** Tasks tried for one place of a series before all of them being excluded is called an error. */
const MAX_ATTEMPTS = 1000;

/**
 * Returns the first task for a place of a series that may come up; null when many tries gave none.
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

/** As {@link firstWantedAsync}, for tasks that are made at once. */
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
