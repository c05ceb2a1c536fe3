import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

import { sha256 } from "@gumshoe/core";

/** The task of a group, as a file of `rollouts/` has it. */
export interface FileTask {
  readonly task: string;
  readonly prompt: string;
  readonly answer: unknown;
  readonly sha256: string;
}

/** Files whose tasks are kept in memory. */
const MAX_FILES = 16;
/** Files with more characters of prompts are read again each time. */
const MAX_CHARACTERS = 8_000_000;

/** A line begins with its group, so that further lines of the group need not be parsed. */
const GROUP = /^\{"group":"([^"\\]+)"/;

/** Reads the tasks of the files in `rollouts/`, and keeps those of the newest ones read. */
export class TaskFiles {
  readonly #kept = new Map<string, Promise<ReadonlyMap<string, FileTask>>>();

  /** Returns the tasks of a file by group key; null when there is no such file. */
  async read(file: string): Promise<ReadonlyMap<string, FileTask> | null> {
    const kept = this.#kept.get(file);
    if (kept !== undefined) return kept;
    if (!existsSync(file)) return null;
    const reading = readTasks(file);
    this.#kept.set(file, reading);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_FILES && oldest !== undefined) this.#kept.delete(oldest);
    try {
      const tasks = await reading;
      let characters = 0;
      for (const { prompt } of tasks.values()) characters += prompt.length;
      if (characters > MAX_CHARACTERS) this.#kept.delete(file);
      return tasks;
    } catch (error) {
      this.#kept.delete(file);
      throw error;
    }
  }
}

async function readTasks(file: string): Promise<Map<string, FileTask>> {
  const tasks = new Map<string, FileTask>();
  const input = createReadStream(file).pipe(createGunzip());
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const group = GROUP.exec(line)?.[1];
    if (group === undefined || tasks.has(group)) continue;
    const { task, prompt, answer } = JSON.parse(line) as Record<string, unknown>;
    tasks.set(group, {
      task: String(task),
      prompt: String(prompt),
      answer: answer ?? null,
      sha256: sha256(String(prompt)),
    });
  }
  return tasks;
}
