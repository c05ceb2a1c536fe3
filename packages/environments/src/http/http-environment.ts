import { hashJson, readSecret, shownValue } from "@gumshoe/core";
import type { TaskSourceConfig } from "@gumshoe/config";
import {
  firstWantedAsync,
  readMessages,
  readTask,
  type Task,
  type TaskGrade,
} from "@gumshoe/puzzles";
import { env } from "node:process";

import { SourceServerError } from "../errors.js";
import { checkGroupGrades, type RewardWeights } from "../module/check-grade.js";
import type { RunEnvironment } from "../run-environment.js";
import { SourceClient } from "./source-client.js";

type HttpSource = Extract<TaskSourceConfig, { type: "http" }>;

/** Characters of the version that a server states. */
const MAX_VERSION = 1000;
const ORIGIN = "the server";

/** A server of tasks and grades, as named by a config. */
export interface HttpLocation {
  /** Path of the source in the config, for errors. */
  readonly field: string;
  readonly source: HttpSource;
  /** Weights of the rewards of a grade, by name; null where each has weight 1. */
  readonly weights: RewardWeights | null;
}

/** A task of a server, with the data that it grades replies by. */
interface HttpTask extends Task {
  readonly answer: unknown;
}

/**
 * Opens a server of tasks and grades as an environment. Asks for its version, and for the first task
 * twice, to find general faults at once.
 *
 * @throws SourceServerError, SourceAwayError or InvalidArgumentError naming the field
 */
export async function httpEnvironment(place: HttpLocation): Promise<RunEnvironment> {
  const { field, source, weights } = place;
  const { url, seed, options, tokenVariable, seconds } = source;
  const token = tokenVariable === undefined ? null : readToken(field, tokenVariable);
  const client = new SourceClient({ field: `${field}.url`, url, token, seconds });
  try {
    const version = versionOf(field, await client.call("version", { options }));
    const tasks = new HttpTasks(client, place);
    const [first, again] = [await tasks.draw(0, 0), await tasks.draw(0, 0)];
    if (first.contentHash !== again.contentHash) {
      const problem = "task 0 was different when it was asked for again: a task may depend on its";
      throw new SourceServerError(`${field}.url`, `${problem} seed, index and attempt only`);
    }
    return tasks.toEnvironment(
      hashJson([url, seed, options, version, ...(weights === null ? [] : [weights])]),
    );
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Reads GUMSHOE_SOURCE_TOKEN[_FILE], or a variable with a longer name. */
function readToken(field: string, variable: string): string {
  const token = readSecret(env, variable);
  if (token !== null) return token;
  const problem = `${variable} is not set here: coordinator and inference workers need it`;
  throw new SourceServerError(`${field}.tokenVariable`, problem);
}

function versionOf(field: string, response: unknown): string {
  const { version } = objectOf(response);
  if (typeof version === "string" && version !== "" && version.length <= MAX_VERSION) {
    return version;
  }
  const problem = `/version must answer { version }, a text, and answers ${shownValue(response)}`;
  throw new SourceServerError(`${field}.url`, problem);
}

class HttpTasks {
  readonly #client: SourceClient;
  readonly #place: HttpLocation;

  constructor(client: SourceClient, place: HttpLocation) {
    this.#client = client;
    this.#place = place;
  }

  toEnvironment(digest: string): RunEnvironment {
    return {
      digest,
      hasJudge: true,
      source: ({ exclude } = {}) => ({
        size: null,
        task: (index) => this.#wanted(index, exclude),
      }),
      readTask: readHttpTask,
      grade: (task, replies, { tries } = {}) => this.#grade(task as HttpTask, replies, tries),
      close: async () => this.#client.close(),
    };
  }

  /** @throws SourceServerError naming the task when the response is none */
  async draw(index: number, attempt: number): Promise<HttpTask> {
    const { seed, options } = this.#place.source;
    const response = await this.#client.call("task", { seed, index, attempt, options });
    try {
      const { messages, answer = null, randomGuessLevel = 0 } = objectOf(response);
      const checked = readMessages("messages", messages);
      const task = {
        id: `http-${seed}-${index}`,
        contentHash: hashJson({ messages: checked, answer }),
        messages: checked,
        answer,
        randomGuessLevel,
      };
      return readHttpTask(JSON.stringify(task));
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw this.#refusal(`/task answers no task ${index}: ${problem}`, cause);
    }
  }

  async #wanted(index: number, exclude: ReadonlySet<string> | undefined): Promise<HttpTask> {
    const task = await firstWantedAsync(exclude, (attempt) => this.draw(index, attempt));
    if (task !== null) return task;
    throw this.#refusal(
      `/task gives no task ${index} that is not a validation task: let it depend on attempt`,
    );
  }

  async #grade(task: HttpTask, replies: readonly string[], tries?: number): Promise<TaskGrade[]> {
    if (replies.length === 0) return [];
    const { source, weights } = this.#place;
    const { id, messages, answer } = task;
    const body = { task: { id, messages, answer }, replies, options: source.options };
    const response = await this.#client.call("grade", body, tries);
    const value = objectOf(response)["grades"];
    const count = replies.length;
    return checkGroupGrades({ ok: true, value }, { origin: ORIGIN, weights, count });
  }

  #refusal(problem: string, cause?: unknown): SourceServerError {
    return new SourceServerError(`${this.#place.field}.url`, problem, cause);
  }
}

function readHttpTask(json: string): HttpTask {
  const { task, fields } = readTask(json);
  return { ...task, answer: fields["answer"] ?? null };
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
