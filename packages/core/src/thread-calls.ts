import { type ResourceLimits, Worker } from "node:worker_threads";

import { bundledEntry } from "./bundled-entry.js";
import { errorMessage } from "./errors.js";
import { fromThreadFailure } from "./thread-failure.js";
import type { CallTable, ThreadReply, ThreadRequest } from "./thread-messages.js";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Options of a thread and of its end. */
export interface ThreadCallsOptions<Notice> {
  /** Passed to the thread as its `workerData`. */
  readonly data?: unknown;
  /** Limits of the thread's heap; it ends when they are exceeded. Default: those of the process. */
  readonly resourceLimits?: ResourceLimits;
  /** Creates the error of all calls that are pending when the thread ends. */
  readonly toEndError: (problem: string, cause?: unknown) => Error;
  /** Called once if the thread ends without `stop`. */
  readonly onLost?: (error: Error) => void;
  readonly onNotice?: (notice: Notice) => void;
}

/**
 * Calls functions on a worker thread that runs {@link serveCalls}; responses may come in any order.
 */
export class ThreadCalls<Calls extends CallTable<Calls>, Notice = never> {
  readonly #worker: Worker;
  readonly #options: ThreadCallsOptions<Notice>;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: Error | null = null;

  /** @param module  URL of the compiled file that calls `serveCalls` */
  constructor(module: URL, options: ThreadCallsOptions<Notice>) {
    this.#options = options;
    const { data: workerData, resourceLimits = {} } = options;
    this.#worker = new Worker(bundledEntry(module), { workerData, resourceLimits });
    this.#worker.on("message", (reply: ThreadReply) => this.#take(reply));
    this.#worker.on("error", (error) => this.#lose(`failed: ${errorMessage(error)}`, error));
    this.#worker.on("exit", () => this.#lose("has ended"));
  }

  /**
   * Makes a call. When the signal is aborted, the call rejects with its reason at once, and the
   * handler's signal is aborted; a handler that ignores its signal runs to its end.
   *
   * @throws the handler's error, with class ClusterError if it was one; the error of an ended
   *   thread; the signal's reason
   */
  async call<C extends keyof Calls & string>(
    call: C,
    argument: Calls[C]["argument"],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<Calls[C]["answer"]> {
    if (this.#ended !== null) throw this.#ended;
    const { signal } = options;
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const onAbort = (): void => {
      this.#post({ type: "abort", id });
      this.#settle(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve, reject });
        this.#post({ type: "call", id, call, argument });
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Terminates the thread. Native code in progress completes first; after the budget, the thread is
   * left running until the process exits. Pending calls fail.
   */
  async stop(budgetMs: number | null = null): Promise<void> {
    this.#ended ??= this.#options.toEndError("was stopped");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      if (budgetMs !== null) timer = setTimeout(resolve, budgetMs);
    });
    await Promise.race([this.#worker.terminate(), late]);
    clearTimeout(timer);
    this.#rejectAll(this.#ended);
  }

  #post(request: ThreadRequest): void {
    this.#worker.postMessage(request);
  }

  #take(reply: ThreadReply): void {
    switch (reply.type) {
      case "notice":
        this.#options.onNotice?.(reply.notice as Notice);
        return;
      case "answer":
        this.#settle(reply.id)?.resolve(reply.answer);
        return;
      case "failure":
        this.#settle(reply.id)?.reject(fromThreadFailure(reply.failure));
        return;
      default:
        reply satisfies never;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #lose(problem: string, cause?: unknown): void {
    if (this.#ended === null) {
      this.#ended = this.#options.toEndError(problem, cause);
      this.#options.onLost?.(this.#ended);
    }
    this.#rejectAll(this.#ended);
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
