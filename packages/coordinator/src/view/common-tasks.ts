import type { CommonTask } from "@gumshoe/api";

/** The prompts of a run's newest validation, by task. */
export interface HeldOutPrompts {
  readonly run: string;
  readonly iteration: number;
  readonly prompts: readonly {
    readonly task: number;
    readonly prompt: string;
    readonly sha256: string;
  }[];
}

/** Returns the held-out tasks that all runs have, recognised by the hash of their prompts. */
export function commonTasks(runs: readonly HeldOutPrompts[]): CommonTask[] {
  const [first, ...others] = runs;
  if (first === undefined) return [];
  return first.prompts.flatMap(({ prompt, sha256, task }) => {
    const places = [{ run: first.run, task, iteration: first.iteration, group: task }];
    for (const { run, iteration, prompts } of others) {
      const same = prompts.find((other) => other.sha256 === sha256);
      if (same === undefined) return [];
      places.push({ run, task: same.task, iteration, group: same.task });
    }
    return { prompt, places };
  });
}
