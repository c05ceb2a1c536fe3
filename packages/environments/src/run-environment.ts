import { errorMessage, type Rng } from "@gumshoe/core";
import type {
  Carelessness,
  Environment,
  Search,
  Task,
  TaskGrade,
  TaskSourceOptions,
  TracedReplyOptions,
} from "@gumshoe/puzzles";

import type { StepResult } from "./module/check-step.js";
import type { ReplyTurn } from "./user-environment.js";

/** A series of tasks in which an index always gives the same task. */
export interface RunTaskSource {
  /** Number of different tasks, null for an endless series. */
  readonly size: number | null;
  /** Makes a task; yields to the event loop before each candidate case. */
  task(index: number): Promise<Task>;
}

/** One source of a mix, opened. */
export interface EnvironmentPart {
  readonly name: string;
  /** Share of the tasks, relative to the other sources. */
  readonly weight: number;
  readonly environment: RunEnvironment;
}

/**
 * The environment of a run as used by coordinator and workers: like `Environment`, but methods that
 * may run a user's code return promises.
 */
export interface RunEnvironment {
  /**
   * SHA-256 of everything that tasks and grades depend on: parameters, the dataset's bytes, the
   * module's files.
   */
  readonly digest: string;
  /**
   * Whether replies may get other grades when they are graded again, as from a judge: the first
   * grades of a group count.
   */
  readonly hasJudge: boolean;
  /** The environments that it mixes; absent if it is no mix. */
  readonly parts?: readonly EnvironmentPart[];
  source(options?: TaskSourceOptions): RunTaskSource;
  /** Parses a task of this environment from JSON. @throws TaskFormatError, OtherModuleError */
  readTask(json: string): Task;
  /**
   * Scores replies to a task, in order. A reply that cannot be scored has a null reward and a
   * reason.
   *
   * @param options.tries  processes of the module that may end during the call, 3 by default
   * @throws               ModuleFailedError when a module cannot be run
   */
  grade(
    task: Task,
    replies: readonly string[],
    options?: { readonly tries?: number },
  ): Promise<TaskGrade[]>;
  /**
   * Says what follows a reply; absent if tasks have one turn. `grade` then grades replies to the prompt that are the last.
   *
   * @throws ModuleFailedError when a module cannot be run
   */
  step?(
    task: Task,
    reply: string,
    turn: ReplyTurn,
    options?: { readonly tries?: number },
  ): Promise<StepResult>;
  /**
   * Writes the reference reply to a task; absent if the environment has none.
   *
   * @param turn  of a task of several turns; default: the first
   */
  goldReply?(task: Task, turn?: Pick<ReplyTurn, "turn" | "state">): Promise<string>;
  /** Writes a reply that reasons before it answers; absent if the environment has none. */
  tracedReply?(task: Task, options?: TracedReplyOptions): Promise<string>;
  /** Writes a careless reply; absent if the environment has none. */
  carelessReply?(task: Task, rng: Rng, how: Carelessness): Promise<string>;
  /** Writes a hasty reply; absent if the environment has none. */
  hastyReply?(task: Task, rng: Rng, share: number): Promise<string>;
  /** Writes the reply that most replies agree on; absent if the environment has none. */
  voteReply?(task: Task, replies: readonly string[]): Promise<string>;
  /** Closes it, and ends the module's process. Idempotent. */
  close(): Promise<void>;
}

/** Returns the environments that an environment mixes, or itself. */
export function singleEnvironments(environment: RunEnvironment): readonly RunEnvironment[] {
  return environment.parts?.map((part) => part.environment) ?? [environment];
}

async function grade(environment: Environment, task: Task, reply: string): Promise<TaskGrade> {
  try {
    return await environment.grade(task, reply);
  } catch (error) {
    return { reward: null, reason: errorMessage(error), metrics: {} };
  }
}

const nextTick = () => new Promise((resolve) => setImmediate(resolve));

/** Runs a computation step by step, so that the event loop does other work between the steps. */
async function inSteps<T>(search: Search<T>): Promise<T> {
  for (;;) {
    await nextTick();
    const step = search.next();
    if (step.done === true) return step.value;
  }
}

/** Adapts one of the built-in environments; no user code is run. */
export function ownEnvironment(environment: Environment, digest: string): RunEnvironment {
  const goldReply = environment.goldReply?.bind(environment);
  const tracedReply = environment.tracedReply?.bind(environment);
  const carelessReply = environment.carelessReply?.bind(environment);
  const hastyReply = environment.hastyReply?.bind(environment);
  const voteReply = environment.voteReply?.bind(environment);
  return {
    digest,
    hasJudge: false,
    source: (options) => {
      const source = environment.source(options);
      return {
        size: source.size,
        task: async (index) => {
          const search = source.search?.(index);
          if (search !== undefined) return inSteps(search);
          await nextTick();
          return source.task(index);
        },
      };
    },
    readTask: (json) => environment.readTask(json),
    grade: (task, replies) => Promise.all(replies.map((reply) => grade(environment, task, reply))),
    ...(goldReply !== undefined && { goldReply: async (task) => goldReply(task) }),
    ...(tracedReply !== undefined && {
      tracedReply: (task, options) => inSteps(tracedReply(task, options)),
    }),
    ...(hastyReply !== undefined && {
      hastyReply: async (task, rng, share) => hastyReply(task, rng, share),
    }),
    ...(carelessReply !== undefined && {
      carelessReply: async (task, rng, how) => carelessReply(task, rng, how),
    }),
    ...(voteReply !== undefined && {
      voteReply: async (task, replies) => voteReply(task, replies),
    }),
    close: async () => undefined,
  };
}
