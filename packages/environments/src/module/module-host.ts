import { ModuleError, ModuleFailedError, ModuleThreadEndedError } from "../errors.js";
import { Gate } from "./gate.js";
import { type ModuleRequest, type Outcome } from "./messages.js";
import { ModuleThread, type ThreadOptions } from "./module-thread.js";
import { digestOfModule } from "./source-files.js";

/** Threads that may end during one call, or between calls, before the module is no longer run. */
const MAX_ENDED = 3;

/**
 * Runs a user's module on its own thread, and replaces the thread when it has ended.
 *
 * - Calls run concurrently. When the thread ends during several calls, each is repeated alone, to
 *   find the one that ends it; after three threads lost to one call, the module is no longer run.
 * - A new thread loads the files again: they must be those of the first one.
 */
export class ModuleHost {
  readonly #options: ThreadOptions;
  readonly #gate = new Gate();
  #thread: Promise<ModuleThread>;
  /** Consecutive ends of the thread without a pending call. */
  #numIdleEnds = 0;
  #closed = false;

  private constructor(
    options: ThreadOptions,
    readonly digest: string,
    thread: ModuleThread,
  ) {
    this.#options = options;
    this.#thread = Promise.resolve(thread);
    this.hasGoldReply = thread.hasGoldReply;
  }

  /** Whether the module implements `goldReply`. */
  readonly hasGoldReply: boolean;

  /** Loads a module. @throws ModuleError */
  static async open(options: ThreadOptions): Promise<ModuleHost> {
    const digest = await digestOfModule(options.field, options.file);
    try {
      return new ModuleHost(options, digest, await ModuleThread.open(options));
    } catch (error) {
      if (!(error instanceof ModuleThreadEndedError)) throw error;
      throw new ModuleError(options.field, error.message, { cause: error });
    }
  }

  /**
   * Makes a call.
   *
   * @param about  what the call is for, in an error: the task, the beginning of the reply
   * @param tries  threads that may end during it
   * @throws       ModuleFailedError when the module ended its thread that many times; ModuleError
   *   when its files have changed
   */
  async call(request: ModuleRequest, about: string, tries = MAX_ENDED): Promise<Outcome[]> {
    let numEnded = 0;
    for (let alone = false; ; alone = true) {
      const leave = await this.#gate.enter(alone);
      let wasAlone = alone;
      try {
        const thread = await this.#running();
        wasAlone ||= thread.numPending === 0;
        return await thread.call(request);
      } catch (error) {
        if (!(error instanceof ModuleThreadEndedError)) throw error;
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
    await this.#thread.then(
      (thread) => thread.close(),
      () => undefined,
    );
  }

  /** Returns the thread, or a new one if it has ended. */
  async #running(): Promise<ModuleThread> {
    for (;;) {
      const promise = this.#thread;
      const thread = await promise.catch((error: unknown) => {
        // The next call starts another thread; a ModuleError is permanent.
        if (error instanceof ModuleThreadEndedError && this.#thread === promise) this.#restart();
        throw error;
      });
      if (thread.ended === null) return thread;
      const { file } = this.#options;
      if (this.#closed) throw new ModuleFailedError(file, "was closed");
      // Another call may have started the next thread already.
      if (this.#thread !== promise) continue;
      this.#numIdleEnds = thread.endedIdle ? this.#numIdleEnds + 1 : 0;
      if (this.#numIdleEnds >= MAX_ENDED) {
        const problem = `${thread.ended.problem}, ${MAX_ENDED} times between calls`;
        throw new ModuleFailedError(file, problem);
      }
      this.#restart();
    }
  }

  #restart(): void {
    const next = this.#openAgain();
    next.catch(() => undefined);
    this.#thread = next;
  }

  async #openAgain(): Promise<ModuleThread> {
    const { field, file } = this.#options;
    if ((await digestOfModule(field, file)) !== this.digest) {
      throw new ModuleError(
        field,
        `${file}, or a file that it imports, was changed in the meantime`,
      );
    }
    return ModuleThread.open(this.#options);
  }
}
