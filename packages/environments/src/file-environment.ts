import { hashJson, InvalidArgumentError, sha256 } from "@gumshoe/core";
import { nearestName, type TaskSourceConfig } from "@gumshoe/config";
import {
  type Message,
  readMessages,
  readTask,
  recordSource,
  type Task,
  TaskFormatError,
} from "@gumshoe/puzzles";

import type { RewardWeights } from "./module/check-grade.js";
import { gradeByModule } from "./module/grade-by-module.js";
import { ModuleHost } from "./module/module-host.js";
import { splitRecords } from "./read-data-file.js";
import type { RunEnvironment } from "./run-environment.js";
import { ANSWER_GRADERS, gradeAnswer } from "./table/answer-graders.js";
import { readTable } from "./table/read-table.js";
import type { TableRecord } from "./table/table-record.js";

type FileSource = Extract<TaskSourceConfig, { type: "file" }>;

/** A file of questions with their answers, as named by a config. */
export interface FileLocation {
  /** Path of the source in the config, for errors. */
  readonly field: string;
  readonly source: FileSource;
  /** Weights of the rewards of a module's grade; null where each has weight 1. */
  readonly weights: RewardWeights | null;
}

/** A record of a file as a task. */
interface FileTask extends Task {
  readonly answer: string;
}

/**
 * Opens a file of questions with their answers as an environment.
 *
 * @throws InvalidArgumentError naming the field, the file and the record; ModuleError
 */
export async function fileEnvironment(place: FileLocation): Promise<RunEnvironment> {
  const { field, source, weights } = place;
  const { file, grader, split, ...columns } = source;
  const { records, bytes } = await readTable(`${field}.file`, file, columnsOf(source));
  const reader = new RecordReader(place);
  const [from] = split ?? [0];
  const tasks = splitRecords(records, { field, file, split }).map((record, i) =>
    reader.task(record, from + i),
  );
  const host =
    grader.type === "module"
      ? await ModuleHost.open({
          field: `${field}.grader.module`,
          file: grader.module,
          part: "grader",
          options: grader.options,
          limits: grader.limits,
        })
      : null;
  const graded = host === null ? grader.type : [host.digest, grader, weights];
  return {
    digest: hashJson([sha256(bytes), split, columns, graded]),
    hasJudge: host?.gradesGroups ?? false,
    source: (options) => {
      const series = recordSource(tasks, options);
      return { size: series.size, task: async (index) => series.task(index) };
    },
    readTask: readFileTask,
    grade: async (task, replies, { tries } = {}) => {
      if (host !== null) return gradeByModule(host, { task, replies, weights, tries });
      if (grader.type === "module") throw new Error("a module has a host");
      const { answer } = task as FileTask;
      return replies.map((reply) => gradeAnswer(grader.type, answer, reply));
    },
    goldReply: async (task) => (task as FileTask).answer,
    close: async () => host?.close(),
  };
}

function columnsOf({ prompt, messages, answer }: FileSource): string[] {
  const question = messages ?? prompt ?? DEFAULT_PROMPT;
  return answer === null ? [question] : [question, answer];
}

const DEFAULT_PROMPT = "prompt";

function readFileTask(json: string): FileTask {
  const { task, fields } = readTask(json);
  const { answer } = fields;
  if (typeof answer !== "string") throw new TaskFormatError("task.answer", "must be a text");
  return { ...task, answer };
}

/** Makes tasks of records; its errors name field, file, record and column. */
class RecordReader {
  readonly #field: string;
  readonly #source: FileSource;

  constructor({ field, source }: FileLocation) {
    this.#field = field;
    this.#source = source;
  }

  task(record: TableRecord, index: number): FileTask {
    const { system } = this.#source;
    const { chat, answer } = this.#parts(record);
    const messages = system === undefined ? chat : [{ role: "system", content: system }, ...chat];
    const checked = this.#messages(record, messages);
    this.#checkAnswer(record, answer);
    return {
      id: `record-${index + 1}`,
      contentHash: hashJson({ messages: checked, answer }),
      messages: checked,
      answer,
      randomGuessLevel: 0,
    };
  }

  /** Returns the chat without its answer, unchecked, and the answer. */
  #parts(record: TableRecord): { chat: unknown[]; answer: string } {
    const { prompt = DEFAULT_PROMPT, messages, answer } = this.#source;
    const chat =
      messages === undefined
        ? [{ role: "user", content: this.#text(record, "prompt", prompt) }]
        : this.#chat(record, messages);
    if (answer !== null) return { chat, answer: this.#text(record, "answer", answer) };
    const last = chat.at(-1) as Partial<Message> | null | undefined;
    if (last?.role === "assistant" && typeof last.content === "string") {
      return { chat: chat.slice(0, -1), answer: last.content };
    }
    const problem = "does not end with a message of the assistant, which answer: null needs";
    return this.#refuse("messages", record, `column ${messages ?? ""} ${problem}`);
  }

  #chat(record: TableRecord, column: string): unknown[] {
    const value = this.#value(record, "messages", column);
    const list: unknown = typeof value === "string" ? parsed(value) : value;
    if (Array.isArray(list)) return list as unknown[];
    return this.#refuse("messages", record, `column ${column} is no list of messages`);
  }

  #text(record: TableRecord, name: "prompt" | "answer", column: string): string {
    const value = this.#value(record, name, column);
    const isPlain = ["string", "number", "bigint", "boolean"].includes(typeof value);
    const text = isPlain ? String(value) : "";
    if (text.trim() !== "") return text;
    return this.#refuse(name, record, `column ${column} is ${isPlain ? "empty" : "no text"}`);
  }

  #value(record: TableRecord, name: "prompt" | "messages" | "answer", column: string): unknown {
    if (column in record.values) return record.values[column];
    const others = Object.keys(record.values);
    const nearest = nearestName(column, others);
    const hint =
      nearest === null ? `it has ${others.slice(0, 20).join(", ")}` : `did you mean ${nearest}?`;
    return this.#refuse(name, record, `there is no column ${column} (${hint})`);
  }

  #messages(record: TableRecord, value: unknown[]): Message[] {
    try {
      return readMessages("messages", value);
    } catch (error) {
      if (!(error instanceof TaskFormatError)) throw error;
      const name = this.#source.messages === undefined ? "prompt" : "messages";
      return this.#refuse(name, record, error.message);
    }
  }

  #checkAnswer(record: TableRecord, answer: string): void {
    const { type } = this.#source.grader;
    if (type === "module" || ANSWER_GRADERS[type].read(answer) !== null) return;
    const problem = `the answer has no ${ANSWER_GRADERS[type].reads}, which grader ${type} needs`;
    this.#refuse("answer", record, problem);
  }

  #refuse(name: string, { place }: TableRecord, problem: string): never {
    const { file } = this.#source;
    throw new InvalidArgumentError(`${this.#field}.${name}`, `${file}, ${place}: ${problem}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
