import { Rng } from "@gumshoe/core";

import { DatasetError } from "../errors.js";
import type { TaskSource, TaskSourceOptions } from "./environment.js";
import type { Task } from "./task.js";

/** Random stream of the order of records, separate from the other uses of a seed. */
const ORDER_STREAM = 0x6f7264;

/**
 * Creates a source of given tasks, those of a file, in passes; each has an order of its own if there
 * is a seed.
 *
 * @throws DatasetError when no task remains to draw from
 */
export function recordSource<T extends Task>(
  all: readonly T[],
  { orderSeed = null, exclude }: TaskSourceOptions = {},
): TaskSource<T> {
  const tasks = all.filter(({ contentHash }) => !exclude?.has(contentHash));
  if (tasks.length === 0) throw new DatasetError("file", "leaves no case to draw from");
  let shuffled: { pass: number; tasks: T[] } | null = null;
  return {
    size: tasks.length,
    task(index) {
      const pass = Math.floor(index / tasks.length);
      if (orderSeed !== null && shuffled?.pass !== pass) {
        shuffled = { pass, tasks: new Rng(orderSeed, ORDER_STREAM, pass).shuffle(tasks) };
      }
      return (shuffled?.tasks ?? tasks)[index % tasks.length] as T;
    },
  };
}
