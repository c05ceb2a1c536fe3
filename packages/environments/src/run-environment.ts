import { errorMessage, type Rng } from "@gumshoe/core";
import {
  type Carelessness,
  type Environment,
  type Task,
  type TaskGrade,
  type TaskSourceOptions,
} from "@gumshoe/puzzles";

/** A series of tasks in which number `index` is always the same one. */
export interface RunTaskSource {
  /** Different tasks, null when the series is endless. */
  readonly size: number | null;
  /** Makes a task; other work gets its turn before every case that is looked for. */
  task(index: number): Promise<Task>;
}

/**
 * The environment of a run as coordinator and workers use it: like `Environment`, but whatever may run a
 * user's code is a promise.
 */
export interface RunEnvironment {
  /** SHA-256 of all that the tasks and grades depend on: parameters, the file's bytes, the module's files. */
  readonly digest: string;
  source(options?: TaskSourceOptions): RunTaskSource;
  /** Reads a task of this environment from JSON. @throws TaskFormatError, OtherModuleError */
  readTask(json: string): Task;
  /**
   * Scores replies to a task, in their order. A reply that cannot be scored has a null reward, and why.
   *
   * @param options.tries  threads that a module may cost before it is given up, 3 by default
   * @throws               ModuleFailedError when a module cannot be run
   */
  grade(
    task: Task,
    replies: readonly string[],
    options?: { readonly tries?: number },
  ): Promise<TaskGrade[]>;
  /** Writes the right reply to a task; absent where the environment knows none. */
  goldReply?(task: Task): Promise<string>;
  /** Writes a careless reply; absent where the environment knows none. */
  carelessReply?(task: Task, rng: Rng, how: Carelessness): Promise<string>;
  /** Ends what it runs. Idempotent. */
  close(): Promise<void>;
}

async function grade(environment: Environment, task: Task, reply: string): Promise<TaskGrade> {
  try {
    return await environment.grade(task, reply);
  } catch (error) {
    return { reward: null, reason: errorMessage(error), metrics: {} };
  }
}

/** Makes an environment of this project usable by a run; nothing in it runs a user's code. */
export function ownEnvironment(environment: Environment, digest: string): RunEnvironment {
  const goldReply = environment.goldReply?.bind(environment);
  const carelessReply = environment.carelessReply?.bind(environment);
  return {
    digest,
    source: (options) => {
      const source = environment.source(options);
      return {
        size: source.size,
        task: async (index) => {
          const search = source.search?.(index) ?? null;
          for (;;) {
            await new Promise((resolve) => setImmediate(resolve));
            if (search === null) return source.task(index);
            const step = search.next();
            if (step.done === true) return step.value;
          }
        },
      };
    },
    readTask: (json) => environment.readTask(json),
    grade: (task, replies) => Promise.all(replies.map((reply) => grade(environment, task, reply))),
    ...(goldReply !== undefined && { goldReply: async (task) => goldReply(task) }),
    ...(carelessReply !== undefined && {
      carelessReply: async (task, rng, how) => carelessReply(task, rng, how),
    }),
    close: async () => undefined,
  };
}
