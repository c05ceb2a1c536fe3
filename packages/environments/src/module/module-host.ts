import { ModuleError, ModuleFailedError, ModuleProcessEndedError } from "../errors.js";
import { Gate } from "./gate.js";
import type { ModuleRequest, Outcome } from "./messages.js";
import { ModuleProcess, type ModuleOptions } from "./module-process.js";
import { digestOfModule } from "./source-files.js";

/** Processes that may end during one call, or between calls, before the module is no longer run. */
const MAX_ENDED = 3;

/**
 * Runs a user's module in a child process, and replaces the process when it has ended.
 *
 * - Calls run concurrently. When the process ends during several calls, each is repeated alone, to
 *   find the one that ends it; after three processes lost to one call, the module is no longer run.
 * - A new process loads the files again: they must be those of the first one.
 */
export class ModuleHost {
  readonly #options: ModuleOptions;
  readonly #gate = new Gate();
  #process: Promise<ModuleProcess>;
  /** Consecutive ends of the process without a pending call. */
  #numIdleEnds = 0;
  #closed = false;

  private constructor(
    options: ModuleOptions,
    readonly digest: string,
    first: ModuleProcess,
  ) {
    this.#options = options;
    this.#process = Promise.resolve(first);
    this.hasGoldReply = first.hasGoldReply;
    this.hasStep = first.hasStep;
    this.gradesGroups = first.gradesGroups;
  }

  /** Whether the module implements `goldReply`. */
  readonly hasGoldReply: boolean;
  /** Whether the module implements `gradeGroup`, and not `grade`. */
  readonly gradesGroups: boolean;

  /** Whether the module implements `step`, in place of `grade`. */
  readonly hasStep: boolean;

  /** Loads a module. @throws ModuleError */
  static async open(options: ModuleOptions): Promise<ModuleHost> {
    const digest = await digestOfModule(options.field, options.file);
    try {
      return new ModuleHost(options, digest, await ModuleProcess.open(options));
    } catch (error) {
      if (!(error instanceof ModuleProcessEndedError)) throw error;
      throw new ModuleError(options.field, error.message, { cause: error });
    }
  }

  /**
   * Makes a call.
   *
   * @param about  what the call is for, in an error: the task, the beginning of the reply
   * @param tries  processes that may end during it
   * @throws       ModuleFailedError when the module ended its process that many times; ModuleError
   *   when its files have changed
   */
  async call(request: ModuleRequest, about: string, tries = MAX_ENDED): Promise<Outcome[]> {
    let numEnded = 0;
    for (let alone = false; ; alone = true) {
      const leave = await this.#gate.enter(alone);
      let wasAlone = alone;
      try {
        const running = await this.#running();
        wasAlone ||= running.numPending === 0;
        return await running.call(request);
      } catch (error) {
        if (!(error instanceof ModuleProcessEndedError)) throw error;
        if (wasAlone) numEnded += 1;
        if (numEnded < tries) continue;
        const { file } = this.#options;
        const times = tries === 1 ? "" : `, ${tries} times`;
        throw new ModuleFailedError(file, `${error.problem}${times}; ${about}`);
      } finally {
        leave();
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#process.then(
      (running) => running.close(),
      () => undefined,
    );
  }

  /** Returns the process, or a new one if it has ended. */
  async #running(): Promise<ModuleProcess> {
    for (;;) {
      const promise = this.#process;
      const running = await promise.catch((error: unknown) => {
        // The next call starts another process; a ModuleError is permanent.
        if (error instanceof ModuleProcessEndedError && this.#process === promise) this.#restart();
        throw error;
      });
      if (running.ended === null) return running;
      const { file } = this.#options;
      if (this.#closed) throw new ModuleFailedError(file, "was closed");
      // Another call may have started the next process already.
      if (this.#process !== promise) continue;
      this.#numIdleEnds = running.endedIdle ? this.#numIdleEnds + 1 : 0;
      if (this.#numIdleEnds >= MAX_ENDED) {
        const problem = `${running.ended.problem}, ${MAX_ENDED} times between calls`;
        throw new ModuleFailedError(file, problem);
      }
      this.#restart();
    }
  }

  #restart(): void {
    const next = this.#openAgain();
    next.catch(() => undefined);
    this.#process = next;
  }

  async #openAgain(): Promise<ModuleProcess> {
    const { field, file } = this.#options;
    if ((await digestOfModule(field, file)) !== this.digest) {
      throw new ModuleError(
        field,
        `${file}, or a file that it imports, was changed in the meantime`,
      );
    }
    return ModuleProcess.open(this.#options);
  }
}
