import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import { errorMessage } from "@gumshoe/core";

import { ModuleError, ModuleThreadEndedError } from "../errors.js";
import {
  isThreadMessage,
  type ModuleLimits,
  type ModuleRequest,
  type Outcome,
  type ThreadMessage,
} from "./messages.js";
import { passOn } from "./thread-output.js";

/** Exit code of Node.js when a top-level await can never settle. */
const NOTHING_LEFT_TO_DO = 13;
/** Time limit for loading a module, in ms: the submission waits for it. */
const OPENING_MS = 20_000;

interface Pending {
  readonly outcomes: (Outcome | undefined)[];
  numMissing: number;
  timer: NodeJS.Timeout;
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

/** Options of a module's thread. */
export interface ThreadOptions {
  /** Config field that names the module, for errors. */
  readonly field: string;
  readonly file: string;
  /** Passed to `createEnvironment`. */
  readonly options: unknown;
  readonly limits: ModuleLimits;
}

/**
 * One thread that runs a user's module. It ends when the module throws outside of a call, exits, or
 * exhausts its heap; and it is terminated when a call gives no result within its time limit. All
 * pending calls then fail with ModuleThreadEndedError.
 */
export class ModuleThread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: ModuleThreadEndedError | null = null;
  #onOpened: (message: Extract<ThreadMessage, { type: "opened" }>) => void = () => undefined;
  #onEnded: (error: Error) => void = () => undefined;
  /** Whether the thread ended without a pending call. */
  endedIdle = false;
  /** Whether the module implements `goldReply`. */
  hasGoldReply = false;

  private constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(new URL("./thread.js", import.meta.url), {
      workerData: { url: pathToFileURL(options.file).href, options: options.options },
      resourceLimits: { maxOldGenerationSizeMb: options.limits.memoryMb },
      stdout: true,
      stderr: true,
    });
    passOn([this.#worker.stdout, this.#worker.stderr], process.stderr, options.file);
    this.#worker.on("message", (message: unknown) => {
      if (isThreadMessage(message)) this.#take(message);
      else this.#end("posted a message of its own to the thread that runs it");
    });
    this.#worker.on("error", (error) => this.#end(describeEnd(error, options.limits)));
    this.#worker.on("exit", (code) => this.#end(describeExit(code)));
    this.#worker.unref();
  }

  /**
   * Starts a thread.
   *
   * @throws ModuleError when the module cannot be used; ModuleThreadEndedError when its thread
   *   ended
   */
  static async open(options: ThreadOptions): Promise<ModuleThread> {
    const thread = new ModuleThread(options);
    const { field, file } = options;
    let timer: NodeJS.Timeout | null = null;
    try {
      const opened = await new Promise<Extract<ThreadMessage, { type: "opened" }>>(
        (resolve, reject) => {
          thread.#onOpened = resolve;
          thread.#onEnded = reject;
          const late = `was not loaded within ${OPENING_MS / 1000} s`;
          timer = setTimeout(() => thread.#end(late), OPENING_MS);
        },
      );
      if (opened.problem !== null) throw new ModuleError(field, `${file} ${opened.problem}`);
      thread.hasGoldReply = opened.hasGoldReply;
      return thread;
    } catch (error) {
      await thread.close();
      throw error;
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  /** Why the thread has ended; null while it runs. */
  get ended(): ModuleThreadEndedError | null {
    return this.#ended;
  }

  /** Number of calls without all their results. */
  get numPending(): number {
    return this.#pending.size;
  }

  /**
   * Makes a call; resolves with its results in order.
   *
   * @throws ModuleThreadEndedError
   */
  call(request: ModuleRequest): Promise<Outcome[]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const count = request.call === "grade" ? request.replies.length : 1;
    if (count === 0) return Promise.resolve([]);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const outcomes = new Array<Outcome | undefined>(count).fill(undefined);
      const timer = this.#startTimer(request.call);
      this.#pending.set(id, { outcomes, numMissing: count, timer, resolve, reject });
      this.#worker.postMessage({ id, request });
    });
  }

  /** Terminates the thread, even in the middle of the module's code. */
  async close(): Promise<void> {
    this.#end("was closed");
    await this.#worker.terminate();
  }

  #startTimer(call: ModuleRequest["call"]): NodeJS.Timeout {
    const { seconds } = this.#options.limits;
    return setTimeout(() => this.#end(`${call}() gave no result for ${seconds} s`), seconds * 1000);
  }

  #take(message: ThreadMessage): void {
    if (message.type === "opened") {
      this.#onOpened(message);
      return;
    }
    const { id, index, outcome } = message;
    const pending = this.#pending.get(id);
    if (pending === undefined || index >= pending.outcomes.length) return;
    if (pending.outcomes[index] !== undefined) return;
    pending.outcomes[index] = outcome;
    pending.numMissing -= 1;
    if (pending.numMissing === 0) {
      clearTimeout(pending.timer);
      this.#pending.delete(id);
      pending.resolve(pending.outcomes as Outcome[]);
    } else {
      pending.timer.refresh();
    }
  }

  #end(problem: string): void {
    if (this.#ended !== null) return;
    const ended = new ModuleThreadEndedError(this.#options.file, problem);
    this.#ended = ended;
    this.endedIdle = this.#pending.size === 0;
    this.#onEnded(ended);
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(ended);
    }
    this.#pending.clear();
    void this.#worker.terminate();
  }
}

function describeExit(code: number): string {
  return code === NOTHING_LEFT_TO_DO
    ? "waits for a promise that nothing will settle"
    : "ended its thread (process.exit?)";
}

function describeEnd(error: unknown, { memoryMb }: ModuleLimits): string {
  if ((error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY") {
    return `needs more than ${memoryMb} MiB of memory`;
  }
  return `threw outside of a call: ${errorMessage(error)}`;
}
