import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { env } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

import { bundledEntry } from "@gumshoe/core";

import { ModuleError, ModuleProcessEndedError } from "../errors.js";
import {
  isModuleMessage,
  type ModuleLimits,
  type ModuleMessage,
  type ModulePart,
  type ModuleRequest,
  type ModuleStart,
  type Outcome,
} from "./messages.js";
import { passOn } from "./module-output.js";

/** The process's compiled entry file. */
const PROCESS = new URL("./process-main.js", import.meta.url);
/** Time limit for loading a module, in ms: the submission waits for it. */
const OPENING_MS = 20_000;

interface Pending {
  readonly outcomes: (Outcome | undefined)[];
  numMissing: number;
  timer: NodeJS.Timeout;
  readonly resolve: (outcomes: Outcome[]) => void;
  readonly reject: (error: Error) => void;
}

/** Options of a module's process. */
export interface ModuleOptions {
  /** Config field that names the module, for errors. */
  readonly field: string;
  readonly file: string;
  readonly part: ModulePart;
  /** Passed to `createEnvironment`. */
  readonly options: unknown;
  readonly limits: ModuleLimits;
}

/**
 * A child process that runs a user's module: whatever the module does, its parent goes on. The process ends when
 * the module throws outside of a call, exits, or exhausts its heap; it is killed when a call gives no result
 * within its time limit. All pending calls then fail with ModuleProcessEndedError.
 */
export class ModuleProcess {
  readonly #options: ModuleOptions;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: ModuleProcessEndedError | null = null;
  #onOpened: (message: Extract<ModuleMessage, { type: "opened" }>) => void = () => undefined;
  #onEnded: (error: Error) => void = () => undefined;
  /** Whether the process ended without a pending call. */
  endedIdle = false;
  /** Whether the module implements `goldReply`. */
  hasGoldReply = false;
  /** Whether the module implements `step`, in place of `grade`. */
  hasStep = false;
  /** Whether the module implements `gradeGroup`, and not `grade`. */
  gradesGroups = false;

  private constructor(options: ModuleOptions) {
    this.#options = options;
    const { file, part, limits } = options;
    const child = fork(fileURLToPath(bundledEntry(PROCESS)), {
      execArgv: [`--max-old-space-size=${limits.memoryMb}`],
      env: ownEnvironment(),
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
    passOn(streams, process.stderr, file);
    child.on("message", (message: unknown) => {
      if (isModuleMessage(message)) this.#take(message);
      else this.#end("sent a message of its own to the process that runs it");
    });
    child.on("error", (error) => this.#end(`cannot be run: ${error.message}`));
    child.on("exit", (_code, signal) => this.#end(describeExit(signal, limits)));
    const start: ModuleStart = { url: pathToFileURL(file).href, part, options: options.options };
    child.send(start, () => undefined);
    // An open module does not keep its parent running.
    for (const handle of [child, child.channel, ...streams])
      (handle as Partial<NodeJS.RefCounted> | null)?.unref?.();
  }

  /**
   * Starts a process.
   *
   * @throws ModuleError when the module cannot be used; ModuleProcessEndedError when its process
   *   ended
   */
  static async open(options: ModuleOptions): Promise<ModuleProcess> {
    const opening = new ModuleProcess(options);
    const { field, file } = options;
    let timer: NodeJS.Timeout | null = null;
    try {
      const opened = await new Promise<Extract<ModuleMessage, { type: "opened" }>>(
        (resolve, reject) => {
          opening.#onOpened = resolve;
          opening.#onEnded = reject;
          const late = `was not loaded within ${OPENING_MS / 1000} s`;
          timer = setTimeout(() => opening.#end(late), OPENING_MS);
        },
      );
      if (opened.problem !== null) throw new ModuleError(field, `${file} ${opened.problem}`);
      opening.hasGoldReply = opened.hasGoldReply;
      opening.hasStep = opened.hasStep;
      opening.gradesGroups = opened.gradesGroups;
      return opening;
    } catch (error) {
      await opening.close();
      throw error;
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  /** Why the process has ended; null while it runs. */
  get ended(): ModuleProcessEndedError | null {
    return this.#ended;
  }

  /** Number of calls without all their results. */
  get numPending(): number {
    return this.#pending.size;
  }

  /**
   * Makes a call; resolves with its results in order.
   *
   * @throws ModuleProcessEndedError
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
      this.#child.send({ id, request }, () => undefined);
    });
  }

  /** Kills the process, even in the middle of the module's code. */
  async close(): Promise<void> {
    this.#end("was closed");
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.ref();
    await exited;
  }

  #startTimer(call: ModuleRequest["call"]): NodeJS.Timeout {
    const { seconds } = this.#options.limits;
    return setTimeout(() => this.#end(`${call}() gave no result for ${seconds} s`), seconds * 1000);
  }

  #take(message: ModuleMessage): void {
    if (message.type === "opened") {
      this.#onOpened(message);
      return;
    }
    if (message.type === "failed") {
      this.#end(`threw outside of a call: ${message.text}`);
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
    const ended = new ModuleProcessEndedError(this.#options.file, problem);
    this.#ended = ended;
    this.endedIdle = this.#pending.size === 0;
    this.#onEnded(ended);
    for (const { timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(ended);
    }
    this.#pending.clear();
    this.#child.kill("SIGKILL");
  }
}

/** The environment of a module, without the settings of the cluster, which include secrets. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(env).filter(([name]) => !name.startsWith("GUMSHOE_"));
  return Object.fromEntries(entries);
}

function describeExit(signal: NodeJS.Signals | null, { memoryMb }: ModuleLimits): string {
  // V8 aborts the process when its heap is exhausted.
  if (signal === "SIGABRT") {
    return `needs more than ${memoryMb} MiB of memory, or was aborted (SIGABRT)`;
  }
  if (signal !== null) return `was killed by ${signal} (out of memory?)`;
  return "ended its process (process.exit?)";
}
