import { hashJson, shownValue } from "@gumshoe/core";
import {
  firstWantedAsync,
  MAX_PROMPT_CHARACTERS,
  readMessages,
  readTask,
  type Task,
  type TaskGrade,
} from "@gumshoe/puzzles";

import { ModuleError, ModuleFailedError, OtherModuleError } from "./errors.js";
import type { RewardWeights } from "./module/check-grade.js";
import { checkStep, type StepResult } from "./module/check-step.js";
import { beginning, gradeByModule } from "./module/grade-by-module.js";
import type { ModuleLimits, Outcome, RandomKey } from "./module/messages.js";
import { ModuleHost } from "./module/module-host.js";
import type { RunEnvironment } from "./run-environment.js";
import type { ModuleTask, ReplyTurn } from "./user-environment.js";

/** Random stream of modules' tasks, separate from the other uses of a seed. */
const MODULE_STREAM = 0x6d6f64;

const FIRST_TURN: Pick<ReplyTurn, "turn" | "state"> = { turn: 0, state: null };

/** A reply to a task, in its turn. */
interface Replied {
  readonly task: Task;
  readonly reply: string;
  readonly turn: ReplyTurn;
}

/** A module, as named by a config. */
export interface ModuleLocation {
  /** Config field that names it, for errors. */
  readonly field: string;
  readonly file: string;
  /** Seed of the series of tasks. */
  readonly seed: number;
  readonly options: unknown;
  readonly limits: ModuleLimits;
  /** Weights of the rewards of a grade, by name; null where each has weight 1. */
  readonly weights: RewardWeights | null;
}

/**
 * Opens a user's module, which runs in its own process, as an environment. Draws its first task
 * twice, to find general faults of the module at once.
 *
 * @throws ModuleError
 */
export async function moduleEnvironment(place: ModuleLocation): Promise<RunEnvironment> {
  const { field, file, options, limits } = place;
  const host = await ModuleHost.open({ field, file, part: "environment", options, limits });
  try {
    const environment = new ModuleTasks(host, place);
    // One attempt only: the submitting user waits, and a module that cannot make its first task is
    // unusable.
    const draw = () => environment.draw({ index: 0, attempt: 0, tries: 1 });
    const [first, again] = [await draw(), await draw()];
    if (first.contentHash === again.contentHash) return environment.toEnvironment();
    throw new ModuleError(
      field,
      "task 0 was different when it was made again: a task may depend on index and rng only",
    );
  } catch (error) {
    await host.close();
    if (!(error instanceof ModuleFailedError)) throw error;
    throw new ModuleError(field, error.message, { cause: error });
  }
}

/** The task to draw. */
interface Draw {
  readonly index: number;
  /** 0, or higher to replace tasks that are excluded. */
  readonly attempt: number;
  /** Most processes that may end during the call. */
  readonly tries?: number;
}

/** Adds to a user's module everything that all environments have in common. */
class ModuleTasks {
  readonly #host: ModuleHost;
  readonly #place: ModuleLocation;

  constructor(host: ModuleHost, place: ModuleLocation) {
    this.#host = host;
    this.#place = place;
  }

  toEnvironment(): RunEnvironment {
    const host = this.#host;
    const { seed, options, weights } = this.#place;
    return {
      digest: hashJson([host.digest, seed, options, ...(weights === null ? [] : [weights])]),
      source: ({ exclude } = {}) => ({
        size: null,
        task: (index) => this.#wanted(index, exclude),
      }),
      readTask: (json) => this.#read(json),
      hasJudge: host.gradesGroups,
      grade: (task, replies, { tries } = {}) =>
        host.hasStep
          ? this.#gradeFirst(task, replies, tries)
          : gradeByModule(host, { task, replies, weights, tries }),
      ...(host.hasStep && {
        step: (task, reply, turn, { tries } = {}) => this.#step({ task, reply, turn }, tries),
      }),
      ...(host.hasGoldReply && { goldReply: (task, turn) => this.#goldReply(task, turn) }),
      close: () => host.close(),
    };
  }

  /** Draws a task, in the form that it has after a JSON round trip. */
  async draw({ index, attempt, tries }: Draw): Promise<ModuleTask> {
    const { seed, field } = this.#place;
    const key: RandomKey = [seed, MODULE_STREAM, index, attempt];
    const about = `making task ${index}`;
    const [outcome] = await this.#host.call({ call: "task", index, key }, about, tries);
    try {
      const draft = draftOf(outcome);
      const { messages, answer = null, randomGuessLevel = 0 } = draft;
      const task = {
        id: `module-${seed}-${index}`,
        contentHash: hashJson({ messages, answer }),
        messages: readMessages("task.messages", messages),
        answer,
        randomGuessLevel,
        module: this.#host.digest,
      };
      return this.#read(JSON.stringify(task));
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new ModuleError(field, `task ${index} cannot be made: ${problem}`, { cause });
    }
  }

  async #wanted(index: number, exclude: ReadonlySet<string> | undefined): Promise<ModuleTask> {
    const task = await firstWantedAsync(exclude, (attempt) => this.draw({ index, attempt }));
    if (task !== null) return task;
    const problem = `leaves no task ${index} that is not a validation task: draw it from rng`;
    throw new ModuleError(this.#place.field, problem);
  }

  #read(json: string): ModuleTask {
    const { task, fields } = readTask(json);
    const { id, contentHash, messages, randomGuessLevel } = task;
    const { answer = null, module } = fields;
    const { digest } = this.#host;
    if (module !== digest) {
      const other = typeof module === "string" ? module : shownValue(module);
      throw new OtherModuleError(this.#place.file, other, digest);
    }
    return { id, contentHash, messages, answer, randomGuessLevel, module };
  }

  async #step({ task, reply, turn }: Replied, tries?: number): Promise<StepResult> {
    const about = `after reply ${turn.turn} to task ${task.id}, which begins ${beginning(reply)}`;
    const [outcome] = await this.#host.call({ call: "step", task, reply, turn }, about, tries);
    const { weights } = this.#place;
    return checkStep(outcome ?? { ok: true, value: undefined }, { isLast: turn.isLast, weights });
  }

  /** Grades replies to the prompt as if no turn could follow. */
  #gradeFirst(task: Task, replies: readonly string[], tries?: number): Promise<TaskGrade[]> {
    const turn = { turn: 0, state: null, isLast: true };
    return Promise.all(
      replies.map(async (reply) => {
        const result = await this.#step({ task, reply, turn }, tries);
        if (result.type === "grade") return result.grade;
        throw new Error("a last step has a grade");
      }),
    );
  }

  async #goldReply(task: Task, turn = FIRST_TURN): Promise<string> {
    const request = { call: "goldReply", task, turn } as const;
    const [outcome] = await this.#host.call(request, `of task ${task.id}`);
    if (outcome?.ok === true && typeof outcome.value === "string") {
      const { length } = outcome.value;
      if (length <= MAX_PROMPT_CHARACTERS) return outcome.value;
      const problem = `goldReply returned ${length} characters for ${task.id}`;
      throw new ModuleError(this.#place.field, `${problem}, at most ${MAX_PROMPT_CHARACTERS}`);
    }
    const threw = outcome?.ok === false ? `: ${outcome.text}` : "";
    const problem = `goldReply must return a text for ${task.id}${threw}`;
    throw new ModuleError(this.#place.field, problem);
  }
}

function draftOf(outcome: Outcome | undefined): Record<string, unknown> {
  if (outcome?.ok === false) throw new TypeError(outcome.text);
  const value = outcome?.value;
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TypeError("task() must return an object with messages");
}
