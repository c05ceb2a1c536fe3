import { errorMessage, hashJson, Rng } from "@gumshoe/core";
import {
  type Environment,
  firstWanted,
  readMessages,
  readTask,
  type TaskGrade,
} from "@gumshoe/puzzles";

import { ModuleError, OtherModuleError } from "./errors.js";
import { type LoadedModule } from "./load-module.js";
import { type ModuleTask, type UserEnvironment } from "./user-environment.js";

/** Names the draws of modules' tasks, so that other uses of a seed do not meet them. */
const MODULE_STREAM = 0x6d6f64;

/** A module in a config. */
export interface ModulePlace {
  /** Where the config names it, for errors. */
  readonly field: string;
  readonly file: string;
  /** Names the series of tasks. */
  readonly seed: number;
  readonly options: unknown;
}

/**
 * Makes an environment of a user's module, and has it make its first task twice: what is wrong with the
 * module as such is told here.
 *
 * @throws ModuleError
 */
export async function moduleEnvironment(
  place: ModulePlace,
  loaded: LoadedModule,
): Promise<Environment<ModuleTask>> {
  const user = await createUserEnvironment(place, loaded);
  const environment = new ModuleTasks(user, place, loaded.digest);
  const [first, again] = [environment.draw(0, 0), environment.draw(0, 0)];
  if (first.contentHash !== again.contentHash) {
    throw new ModuleError(
      place.field,
      "task 0 came out differently a second time: it may depend on index and rng alone",
    );
  }
  return environment.toEnvironment();
}

async function createUserEnvironment(
  { field, options }: ModulePlace,
  { createEnvironment }: LoadedModule,
): Promise<UserEnvironment> {
  let made: unknown;
  try {
    made = await createEnvironment(structuredClone(options));
  } catch (cause) {
    throw new ModuleError(field, `createEnvironment failed: ${errorMessage(cause)}`, { cause });
  }
  for (const method of ["task", "grade"] as const) {
    if (typeof (made as Partial<UserEnvironment> | null | undefined)?.[method] !== "function") {
      throw new ModuleError(field, `createEnvironment must return an object with ${method}()`);
    }
  }
  return made as UserEnvironment;
}

/** Does around a user's module what every environment does. */
class ModuleTasks {
  readonly #user: UserEnvironment;
  readonly #place: ModulePlace;
  readonly #digest: string;

  constructor(user: UserEnvironment, place: ModulePlace, digest: string) {
    this.#user = user;
    this.#place = place;
    this.#digest = digest;
  }

  toEnvironment(): Environment<ModuleTask> {
    const user = this.#user;
    return {
      source: ({ exclude } = {}) => ({
        size: null,
        task: (index) => this.#wanted(index, exclude),
      }),
      readTask: (json) => this.#read(json),
      grade: async (task, reply) => this.#checkGrade(await user.grade(task, reply)),
      ...(user.goldReply !== undefined && { goldReply: (task) => this.#goldReply(task) }),
    };
  }

  /** Makes a task, and brings it to the form that it has after its way through JSON. */
  draw(index: number, attempt: number): ModuleTask {
    const { seed } = this.#place;
    const rng = new Rng(seed, MODULE_STREAM, index, attempt);
    try {
      const draft = roundTrip(this.#user.task({ index, rng }));
      const { messages, answer = null, randomGuessLevel = 0 } = draft;
      const task = {
        id: `module-${seed}-${index}`,
        contentHash: hashJson({ messages, answer }),
        messages: readMessages("task.messages", messages),
        answer,
        randomGuessLevel,
        module: this.#digest,
      };
      return this.#read(JSON.stringify(task));
    } catch (cause) {
      const problem = `task ${index} cannot be made: ${errorMessage(cause)}`;
      throw new ModuleError(this.#place.field, problem, { cause });
    }
  }

  #wanted(index: number, exclude: ReadonlySet<string> | undefined): ModuleTask {
    const task = firstWanted(exclude, (attempt) => this.draw(index, attempt));
    if (task !== null) return task;
    const problem = `leaves no task ${index} that is not a validation task: draw it from rng`;
    throw new ModuleError(this.#place.field, problem);
  }

  #read(json: string): ModuleTask {
    const { task, fields } = readTask(json);
    const { id, contentHash, messages, randomGuessLevel } = task;
    const { answer = null, module } = fields;
    if (module !== this.#digest) {
      throw new OtherModuleError(this.#place.file, String(module), this.#digest);
    }
    return { id, contentHash, messages, answer, randomGuessLevel, module };
  }

  #goldReply(task: ModuleTask): string {
    const reply: unknown = this.#user.goldReply?.(task);
    if (typeof reply === "string") return reply;
    throw new ModuleError(this.#place.field, `goldReply must return a text for ${task.id}`);
  }

  #checkGrade(given: unknown): TaskGrade {
    const { reward, metrics = {}, reason } = (given ?? {}) as Record<string, unknown>;
    const numbers = Object.entries(metrics ?? {}).filter(([, value]) => Number.isFinite(value));
    const checked = Object.fromEntries(numbers) as Record<string, number>;
    if (typeof reward === "number" && Number.isFinite(reward)) return { reward, metrics: checked };
    if (reward === null && typeof reason === "string" && reason !== "") {
      return { reward: null, reason, metrics: checked };
    }
    const problem = "grade must return { reward: a finite number } or { reward: null, reason }";
    throw new ModuleError(this.#place.field, problem);
  }
}

function roundTrip(draft: unknown): Record<string, unknown> {
  const text = JSON.stringify(draft) as string | undefined;
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new TypeError("task() must return an object with messages");
}
